"""Checks 24 to 25: whether the skill has been revoked."""

from haldir_core._checks.case import Case, Failures
from haldir_core._revocation_status import ListSigner, revocation_status
from haldir_core.codes import ErrorCode
from haldir_core.errors import Problem
from haldir_core.keys import KeyRole
from haldir_core.trust import SKILL_ROLES


def revocation_list_serves(case: Case) -> Failures:
    """Check 24; at install only an authentic, current list does."""
    question = case.question
    case.revocation = revocation_status(
        question.evidence,
        case.attestation.skill,
        lambda keyid: _list_signer(case, keyid),
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


def _list_signer(case: Case, keyid: str) -> ListSigner | None:
    """A list counts if a revocation key signed it, or a key that verified this very skill."""
    ring = case.question.keyring
    key = ring.find(keyid, (KeyRole.REVOCATION,))
    if key is not None:
        return ListSigner(key, may_acquit=True)
    own = ring.find(keyid, SKILL_ROLES) if keyid in case.signers else None
    alone = not ring.with_role((KeyRole.REVOCATION,)).keys
    return None if own is None else ListSigner(own, may_acquit=alone)
