"""The verdict on a signed skill: `verify` runs the table of checks and stops at the first that fails."""

from datetime import datetime
from typing import Any

from attrs import field, frozen

from haldir_core._checks import CHECKS, first_failure
from haldir_core._checks.case import Case, HardLinks, Question, Warned
from haldir_core._revocation_status import RevocationEvidence
from haldir_core.attestation import Attestation
from haldir_core.canonical import JsonObject
from haldir_core.codes import Context, TrustLevel, WarningCode
from haldir_core.errors import Problem
from haldir_core.keys import KeyId
from haldir_core.permissions import Permissions
from haldir_core.report import VettingReport
from haldir_core.requirement import ANY_SIGNATURE, Requirement
from haldir_core.revocation import RevocationList
from haldir_core.skill import SkillSnapshot
from haldir_core.trust import Keyring

_DEGRADING = {
    WarningCode.REVOCATION_UNAVAILABLE,
    WarningCode.REVOCATION_SIG_INVALID,
    WarningCode.REVOCATION_STALE,
}


@frozen(kw_only=True)
class Verification:
    """The verdict.  Spec: section 9.

    Attributes:
        trust_level: `TrustLevel.NONE` if and only if the skill is not valid.
        signers: the trusted keys whose signature verified, in the order of the envelope; empty if not valid.
        errors: why the skill is not valid.
        warnings: what to know about it otherwise.
        attestation: what was signed, if the skill is valid.
        permissions: what the skill declares, if it is valid.
        vetting_report: the signed report, also if a later check has failed.
        failed_check: the number of the check that failed.
        revocation_list: the authentic, current list, for the caller to keep as the best one.
    """

    trust_level: TrustLevel
    signers: tuple[KeyId, ...] = ()
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Warned, ...] = ()
    attestation: Attestation | None = None
    permissions: Permissions | None = None
    vetting_report: VettingReport | None = None
    failed_check: int | None = None
    revocation_list: RevocationList | None = field(default=None, repr=False)

    @property
    def valid(self) -> bool:
        """Whether the skill may be used."""
        return self.trust_level is not TrustLevel.NONE

    @property
    def key_id(self) -> KeyId | None:
        """The first trusted key whose signature verified, if the skill is valid."""
        return self.signers[0] if self.signers else None

    def to_json(self) -> JsonObject:
        """Return the verdict as the command line prints it; new keys only ever follow the first eight."""
        members: dict[str, Any] = {
            "valid": self.valid,
            "trustLevel": self.trust_level.value,
            "keyId": self.key_id,
            "warnings": [{"code": warned.code.value, "message": warned.message} for warned in self.warnings],
            "errors": [_error(problem) for problem in self.errors],
            "attestation": self.attestation and self.attestation.to_json(),
            "permissions": self.permissions and self.permissions.to_json(),
            "vettingReport": self.vetting_report and self.vetting_report.to_json(),
            "signers": list(self.signers),
            "failedCheck": self.failed_check,
        }
        return members


@frozen(kw_only=True)
class Policy:
    """What a caller asks beyond the format: how many signatures, and whether hard links pass at run time."""

    requirement: Requirement = ANY_SIGNATURE
    hard_links: HardLinks = HardLinks.REFUSE


DEFAULT_POLICY = Policy()
NO_EVIDENCE = RevocationEvidence()


def verify(
    snapshot: SkillSnapshot,
    keyring: Keyring,
    evidence: RevocationEvidence = NO_EVIDENCE,
    *,
    context: Context,
    now: datetime,
    policy: Policy = DEFAULT_POLICY,
) -> Verification:
    """Return the verdict on the skill of ``snapshot``.

    Nothing is read but the snapshot, and no clock but ``now`` (aware).  In the context ``install`` a skill
    without an authentic, current revocation list is not valid; in ``runtime`` it is degraded, and refused
    24 hours after the expiry of ``evidence.current``.

    Raises: ValueError if ``now`` has no time zone, or ``context`` is none of the two.
    """
    if now.tzinfo is None:
        raise ValueError("now must have a time zone")
    case = Case(
        Question(
            snapshot=snapshot,
            keyring=keyring,
            evidence=evidence,
            context=Context(context),  # a plain text that equals a member is that member, and no other is taken
            now=now,
            requirement=policy.requirement,
            hard_links=policy.hard_links,
        )
    )
    failed = first_failure(case, CHECKS)
    if failed is not None:
        return Verification(
            trust_level=TrustLevel.NONE,
            errors=failed.problems,
            vetting_report=case.report,
            failed_check=failed.check.number,
            revocation_list=case.revocation.accepted,
        )
    degraded = any(warned.code in _DEGRADING for warned in case.warnings)
    return Verification(
        trust_level=TrustLevel.DEGRADED if degraded else TrustLevel.FULL,
        signers=tuple(case.signers),
        warnings=tuple(case.warnings),
        attestation=case.attestation,
        permissions=case.permissions,
        vetting_report=case.report,
        revocation_list=case.revocation.accepted,
    )


def _error(problem: Problem) -> JsonObject:
    members: JsonObject = {"code": problem.code.value, "message": problem.message}
    return members if problem.path is None else members | {"file": problem.path}
