"""Signing what was approved: the digests that were vetted are the digests that are signed."""

from pathlib import Path

from attrs import frozen

from haldir_cli.clock import now
from haldir_cli.describe import describe_permissions
from haldir_cli.frontmatter import read_front_matter
from haldir_cli.notes import notes_on_signing
from haldir_cli.show import say
from haldir_core import PrivateKey, SigningError, SkillIdentity, sign, write_vault
from haldir_core.vault import refuse_leftovers
from haldir_pipeline import Result, Vetting


@frozen
class Signing:
    """Who signs, and which folder."""

    skill: Path
    signer: PrivateKey

    def sign(self, vetting: Vetting) -> None:
        """Write the ``.vault`` of an approved skill: its report, and the permissions that it was vetted with.

        What changed in the folder since it was read is not signed, and the signature does not fit it.

        Raises: SigningError if the skill is not approved, or its permissions or its folder do not allow it.
        """
        subject = vetting.subject
        if vetting.result is not Result.APPROVED or vetting.report is None:
            raise SigningError("only an approved skill is signed")
        if subject.permissions_problem:
            raise SigningError(f"not signed: {subject.permissions_problem}")
        refuse_leftovers(self.skill)
        identity = self._identity(vetting)
        documents = sign(subject.snapshot, identity, subject.permissions, self.signer, clock=now, report=vetting.report)
        vault = write_vault(self.skill, documents)
        say(*notes_on_signing(subject.snapshot, identity, subject.permissions, vetting.report, self.signer.keyid))
        say(f"Signed {identity.name}@{identity.version} with key {self.signer.keyid}: {vault}")
        say(*describe_permissions(subject.permissions))

    def _identity(self, vetting: Vetting) -> SkillIdentity:
        found = read_front_matter(vetting.subject.folder, vetting.subject.snapshot.files.get("SKILL.md"))
        if found.problem:
            say(f"Note: {found.problem}; its name and version are not used")
        try:
            return SkillIdentity(found.name or "unnamed", found.version or "0.0.0", "skill.md")
        except ValueError as error:
            raise SigningError(f"not signed: {error}: sign it with haldir sign --name") from error
