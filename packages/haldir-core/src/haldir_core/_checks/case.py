"""One verification in progress: what is given, and what the checks have established so far."""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from attrs import define, field, frozen

from haldir_core._revocation_status import RevocationEvidence, RevocationStatus
from haldir_core.attestation import Attestation
from haldir_core.codes import Context, WarningCode
from haldir_core.envelope import Envelope
from haldir_core.errors import Problem
from haldir_core.keys import KeyId
from haldir_core.manifest import Manifest
from haldir_core.permissions import Permissions
from haldir_core.report import VettingReport
from haldir_core.requirement import Requirement
from haldir_core.skill import SkillSnapshot
from haldir_core.trust import Keyring

Failures = Iterator[Problem]
"""What a check yields: nothing if it passes, otherwise why not."""


class HardLinks(Enum):
    """What a file with a second name means: a refusal, or nothing (counts at run time only)."""

    REFUSE = "refuse"
    ALLOW_AT_RUNTIME = "allow at runtime"


@frozen
class Warned:
    """Something that a caller should know about a valid skill."""

    code: WarningCode
    message: str


@frozen(kw_only=True)
class Question:
    """What is to be verified, for whom and when."""

    snapshot: SkillSnapshot
    keyring: Keyring
    evidence: RevocationEvidence
    context: Context
    now: datetime
    requirement: Requirement
    hard_links: HardLinks


NOT_JUDGED = RevocationStatus()
"""The state before check 24."""


@define
class Case:
    """The state of a verification.

    A field without default is set by the check that reads its document; the checks after it may use it.
    """

    question: Question
    envelope: Envelope = field(init=False)
    payload: bytes = field(init=False)
    attestation: Attestation = field(init=False)
    manifest: Manifest = field(init=False)
    permissions: Permissions = field(init=False)
    signers: list[KeyId] = field(factory=list)
    report: VettingReport | None = None
    revocation: RevocationStatus = NOT_JUDGED
    warnings: list[Warned] = field(factory=list)

    def document(self, name: str) -> bytes:
        """Return a document of ``.vault``; the checks of the folder have made sure that it is there."""
        return (self.question.snapshot.vault or {})[name]

    def warn(self, code: WarningCode, message: str) -> None:
        """Tell the caller something about a skill that may yet be valid."""
        self.warnings.append(Warned(code, message))
