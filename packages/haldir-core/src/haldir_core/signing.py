"""Making the documents of a ``.vault``: by the first signer, and by those who sign after."""

from collections.abc import Callable, Mapping
from datetime import datetime

from haldir_core._checks import CONTENT_CHECKS, first_failure
from haldir_core._checks.case import Case, HardLinks, Question
from haldir_core._revocation_status import RevocationEvidence
from haldir_core.attestation import Attestation, SkillIdentity
from haldir_core.canonical import MAX_VALUES, has_too_many_values
from haldir_core.codes import Context
from haldir_core.digest import sha256
from haldir_core.envelope import Envelope
from haldir_core.errors import SigningError, UnsafeSkillError
from haldir_core.keys import Signer
from haldir_core.manifest import Manifest
from haldir_core.permissions import Permissions
from haldir_core.report import VettingReport
from haldir_core.requirement import ANY_SIGNATURE
from haldir_core.skill import SkillSnapshot
from haldir_core.timestamp import Timestamp
from haldir_core.trust import Keyring
from haldir_core.vaultfiles import MAX_BYTES, VAULT

Documents = Mapping[str, bytes]
"""The files of a ``.vault`` by name, in the order in which they are written."""


def sign(
    snapshot: SkillSnapshot,
    skill: SkillIdentity,
    permissions: Permissions,
    signer: Signer,
    *,
    clock: Callable[[], datetime],
    report: VettingReport | None = None,
) -> Documents:
    """Return the documents that sign the files of ``snapshot``; write them with `write_vault`.

    ``clock`` is read twice: for the manifest, then for the attestation.

    Raises:
        UnsafeSkillError: if the folder holds what no skill may hold.
        SigningError: if ``.vault`` holds what the format does not know, a file name has a backslash, or the
            signed skill would be larger than a reader takes.
        MalformedError: if the permissions, the name or the version have no canonical form.
    """
    snapshot.refuse_problems()
    if snapshot.vault_extras:
        shown = ", ".join(snapshot.vault_extras[:5])
        raise SigningError(f"{shown}: not part of the format, and would be lost: move it out of .vault first")
    for path in snapshot.files:
        if "\\" in path:
            raise SigningError(f"the name of {path!r} has a backslash, which is a separator elsewhere: rename it")
    manifest = Manifest(snapshot.files, Timestamp.at(clock())).to_bytes()
    attestation = Attestation(
        skill=skill,
        integrity_hash=sha256(manifest),
        permissions_hash=permissions.digest(),
        vetting_report_hash=None if report is None else report.digest(),
        signed_at=Timestamp.at(clock()),
    ).to_bytes()
    documents = {
        "integrity.json": manifest,
        "attestation.json": attestation,
        "permissions.json": permissions.to_bytes(),
    }
    if report is not None:
        documents["vetting-report.json"] = report.to_bytes()
    documents["signature.json"] = Envelope.sign(attestation, signer).to_bytes()
    _refuse_too_large(snapshot, documents)
    return documents


def cosign(snapshot: SkillSnapshot, signer: Signer, trusted: Keyring, *, now: datetime) -> Documents:
    """Return the documents of ``snapshot`` with one more signature over the same attestation bytes.

    The skill is verified first, all but its revocation, so that nobody co-signs what was changed.

    Raises:
        SigningError: if no existing signature is by a ``trusted`` key and verifies, the content is not
            what was signed, or ``signer`` has signed already.
    """
    case = Case(
        Question(
            snapshot=snapshot,
            keyring=trusted,
            evidence=RevocationEvidence(),
            context=Context.INSTALL,
            now=now,
            requirement=ANY_SIGNATURE,
            hard_links=HardLinks.REFUSE,
        )
    )
    failed = first_failure(case, CONTENT_CHECKS)
    if failed is not None:
        raise SigningError(f"cannot co-sign: {UnsafeSkillError(failed.problems)} ({failed.problems[0].code})")
    envelope = case.envelope.append_signature(signer)
    documents = dict(snapshot.vault or {}) | {"signature.json": envelope.to_bytes()}
    _refuse_too_large(snapshot, documents)
    return documents


def _refuse_too_large(snapshot: SkillSnapshot, documents: Documents) -> None:
    """Return if the skill is within its limits with ``documents`` in place of its ``.vault``.

    Raises: SigningError otherwise; nobody could verify it.
    """
    limits = snapshot.limits
    for name, data in documents.items():
        if len(data) > MAX_BYTES[name]:
            raise SigningError(f"{name} would have {len(data)} bytes, {MAX_BYTES[name]} are allowed")
        if has_too_many_values(data):
            raise SigningError(f"{name} would have more commas and brackets than the {MAX_VALUES} that are allowed")
    lengths = [len(f"{VAULT}/{name}") for name in documents]
    if max(lengths) > limits.path_bytes:
        raise SigningError(f"with its .vault the skill would have a path of more than {limits.path_bytes} bytes")
    if snapshot.path_bytes + len(VAULT) + sum(lengths) > limits.all_path_bytes:
        raise SigningError(
            f"with its .vault the skill would have paths of more than {limits.all_path_bytes} bytes in all"
        )
    if len(snapshot.files) + len(documents) > limits.files:
        raise SigningError(f"with its .vault the skill would have more than {limits.files} files")
    if snapshot.folders + (snapshot.vault is None) > limits.folders:
        raise SigningError(f"with its .vault the skill would have more than {limits.folders} folders")
    if snapshot.total_bytes + sum(map(len, documents.values())) > limits.total_bytes:
        raise SigningError(f"with its .vault the skill would have more than {limits.total_bytes} bytes")
