"""Checks 24 to 25: whether the skill has been revoked."""

from haldir_core._checks.case import Case, Failures
from haldir_core._revocation_status import revocation_status
from haldir_core.codes import ErrorCode
from haldir_core.errors import Problem
from haldir_core.keys import KeyRole, PublicKey
from haldir_core.trust import SKILL_ROLES


def revocation_list_serves(case: Case) -> Failures:
    """Check 24; at install only an authentic, current list does."""
    question = case.question
    case.revocation = revocation_status(
        question.evidence,
        case.attestation.skill,
        lambda keyid: _list_key(case, keyid),
        context=question.context,
        now=question.now,
    )
    if case.revocation.error is ErrorCode.REVOCATION_STALE:
        yield Problem(ErrorCode.REVOCATION_STALE, case.revocation.message)


def skill_is_not_revoked(case: Case) -> Failures:
    """Check 25."""
    if case.revocation.error is not None:
        yield Problem(case.revocation.error, case.revocation.message)
    if case.revocation.warning is not None:
        case.warn(case.revocation.warning, case.revocation.message)


def _list_key(case: Case, keyid: str) -> PublicKey | None:
    """A list counts if a revocation key signed it, or a key that verified this very skill."""
    ring = case.question.keyring
    if keyid in case.signers:
        return ring.find(keyid, SKILL_ROLES)
    return ring.find(keyid, (KeyRole.REVOCATION,))
