"""Folders that SchemaPin and Haldir signed: when the ``.vault`` that Haldir added may be left out.

Spec: schemapin, section 18.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_core.digest import Digest, sha256
from haldir_core.errors import HaldirError, MalformedError
from haldir_core.manifest import DOCUMENT, Manifest
from haldir_core.schemapin.folders import SIGNATURE_FILE, FolderVault, SkillFolder, compare_manifests

if TYPE_CHECKING:
    from haldir_core.skill import SkillSnapshot
    from haldir_core.verification import Verification

_WRONG_ORDER = (
    f"SchemaPin signed this folder after Haldir, so that nothing of Haldir covers {SIGNATURE_FILE}: that is the wrong"
    " order. Remove .vault, sign with SchemaPin, then with Haldir"
)


class EnvelopeError(HaldirError):
    """The ``.vault`` of a folder cannot be left out, because its Haldir envelope does not cover what was read."""


@frozen
class HaldirEnvelope:
    """What Haldir says about a folder: one reading of it, and the verdict on that reading."""

    snapshot: "SkillSnapshot"
    verdict: "Verification"

    def vault_of(self, folder: SkillFolder) -> FolderVault:
        """Return LEFT_OUT if the envelope is valid and covers exactly the files and bytes that ``folder`` holds.

        ``folder`` comes from `haldir_core.schemapin.read_folder_with_contents`: two readings of one folder can differ.

        Raises: EnvelopeError otherwise.
        """
        covered = self._covered()
        difference = compare_manifests(_contents(folder), covered)
        if difference:
            raise EnvelopeError(f"the folder changed between two readings, or these are two folders: {difference}")
        return FolderVault.LEFT_OUT

    def _covered(self) -> Mapping[str, Digest]:
        """Return the files that the valid envelope covers, by the manifest whose digest was signed."""
        manifest = (self.snapshot.vault or {}).get(DOCUMENT)
        if manifest is None:
            raise EnvelopeError("the folder has no Haldir envelope (.vault)")
        try:
            covered = Manifest.from_bytes(manifest).files
        except MalformedError as error:
            raise EnvelopeError(f"the Haldir envelope is not valid: {error}") from error
        if SIGNATURE_FILE not in covered:
            raise EnvelopeError(_WRONG_ORDER)
        verdict = self.verdict
        if not verdict.valid or verdict.attestation is None:
            reasons = "; ".join(problem.message for problem in verdict.errors[:3])
            raise EnvelopeError(f"the Haldir envelope is not valid, so .vault cannot be left out: {reasons}")
        if sha256(manifest) != verdict.attestation.integrity_hash:
            raise EnvelopeError("this verdict is about another Haldir envelope: verify the snapshot that you give")
        return covered


def _contents(folder: SkillFolder) -> dict[str, Digest]:
    """Return the digest of each file outside ``.vault`` as Haldir computes it."""
    found: dict[str, Digest] = {}
    for path, record in folder.content(FolderVault.LEFT_OUT).items():
        if record.content is None:
            raise EnvelopeError("the folder was read without the digests of its contents: read_folder_with_contents")
        found[path] = record.content
    if folder.signature_file is not None:
        found[SIGNATURE_FILE] = sha256(folder.signature_file)
    return found
