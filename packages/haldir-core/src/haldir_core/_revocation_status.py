"""The judgement on a skill's revocation: which lists count, how old they may be, what they say."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from haldir_core.attestation import SkillIdentity
from haldir_core.codes import Context, ErrorCode, WarningCode
from haldir_core.errors import MalformedError
from haldir_core.keys import PublicKey
from haldir_core.revocation import RevocationList
from haldir_core.timestamp import later

CLOCK_SKEW = timedelta(seconds=300)
"""How far two honest clocks may differ."""

GRACE = timedelta(hours=24)
"""How long after its expiry a list still serves at run time."""


@frozen(kw_only=True)
class RevocationEvidence:
    """What a caller knows about revocations when a skill is verified.

    Attributes:
        current: the list that was fetched or named now, as bytes.
        remembered: the best lists that were kept from earlier verifications.
        sequence_numbers: the highest sequence number seen, by key id, if no list was kept.
    """

    current: bytes | None = None
    remembered: tuple[bytes, ...] = ()
    sequence_numbers: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class RevocationStatus:
    """What the evidence says.

    ``error`` refuses the skill; otherwise ``warning`` degrades it, or nothing is wrong.  ``accepted`` is
    the authentic, current list, which a caller may keep as the best one.
    """

    error: ErrorCode | None = None
    warning: WarningCode | None = None
    message: str = ""
    accepted: RevocationList | None = None


@frozen
class ListSigner:
    """A key whose lists count, and whether they may stand for the revocation status as a whole.

    Where revocation keys are trusted, a publisher's own list can revoke but not acquit: otherwise a
    stolen publisher key could answer for its own revocation.
    """

    key: PublicKey
    may_acquit: bool


FindSigner = Callable[[str], ListSigner | None]
"""Gives the signer of an id if its lists count for the skill in question."""


def revocation_status(
    evidence: RevocationEvidence, skill: SkillIdentity, find_signer: FindSigner, *, context: Context, now: datetime
) -> RevocationStatus:
    """Return what ``evidence`` says about ``skill``.  Spec: section 10."""
    best = _best_lists(evidence.remembered, find_signer)
    current, flaw = _current_list(evidence, best, find_signer, now)
    serving = {keyid: listed for keyid, listed in best.items() if now <= _end_of_grace(listed)}
    listed = next((listed for listed in _candidates(current, serving) if listed.revokes(skill)), None)
    accepted = current if flaw is None or flaw.list_is_current else None
    if context is Context.INSTALL and flaw is not None and (listed is None or flaw.spoils_verdict):
        message = _NO_INSTALL.format(flaw.reason)
        return RevocationStatus(error=ErrorCode.REVOCATION_STALE, message=message, accepted=accepted)
    if listed is not None:
        message = f"Skill {skill.name}@{skill.version} has been revoked (list {listed.sequence_number})"
        return RevocationStatus(error=ErrorCode.REVOKED, message=message, accepted=accepted)
    if flaw is None:
        return RevocationStatus(accepted=accepted)
    if flaw.beyond_grace:
        return RevocationStatus(error=ErrorCode.REVOCATION_STALE, message=_NO_RUN.format(flaw.reason))
    message = f"Revocation status is not certain: {flaw.reason}"
    return RevocationStatus(warning=flaw.warning, message=message, accepted=accepted)


_NO_INSTALL = "No current revocation list: {}. Get the newest list of its signer and try again"
_NO_RUN = "The revocation list is too old: {}. Get the newest list of its signer and try again"


@frozen
class _Flaw:
    """Why there is no list that answers for the skill."""

    reason: str
    warning: WarningCode
    beyond_grace: bool = False
    list_is_current: bool = False

    @property
    def spoils_verdict(self) -> bool:
        """Whether there is a list that cannot be believed; at install that is said before what it lists."""
        return self.warning is not WarningCode.REVOCATION_UNAVAILABLE


def _current_list(
    evidence: RevocationEvidence, best: Mapping[str, RevocationList], find_signer: FindSigner, now: datetime
) -> tuple[RevocationList | None, _Flaw | None]:
    """Return the authentic list of the evidence and what is wrong with it, if anything."""
    if evidence.current is None:
        return None, _Flaw("none was given", WarningCode.REVOCATION_UNAVAILABLE)
    current = _authentic(evidence.current, find_signer)
    if isinstance(current, str):
        return None, _Flaw(current, WarningCode.REVOCATION_SIG_INVALID)
    flaw = _age_flaw(current, now) or _sequence_flaw(current, evidence, best)
    acquitting = [listed for listed in (current, *best.values()) if _may_acquit(listed, find_signer)]
    if flaw is None and not any(_age_flaw(listed, now) is None for listed in acquitting):
        reason = "this is the publisher's own list, and a revocation key is trusted whose list is missing"
        return current, _Flaw(reason, WarningCode.REVOCATION_UNAVAILABLE, list_is_current=True)
    return current, flaw


def _authentic(data: bytes, find_signer: FindSigner) -> RevocationList | str:
    """Return the list that ``data`` holds, or why it does not count."""
    try:
        listed = RevocationList.from_bytes(data)
    except MalformedError as error:
        return str(error)
    signer = find_signer(listed.signature.keyid)
    if signer is None:
        return f"it is signed by {listed.signature.keyid[:64]!r}, which is not trusted for revocations"
    if not listed.is_signed_by(signer.key):
        return "its signature does not verify"
    if listed.issued_at.moment >= later(listed.expires_at.moment, CLOCK_SKEW):
        return "it was issued after its own expiry"
    return listed


def _may_acquit(listed: RevocationList, find_signer: FindSigner) -> bool:
    signer = find_signer(listed.signature.keyid)
    return signer is not None and signer.may_acquit


def _age_flaw(current: RevocationList, now: datetime) -> _Flaw | None:
    if current.issued_at.moment > later(now, CLOCK_SKEW):
        return _Flaw(f"it is dated in the future ({current.issued_at.text})", WarningCode.REVOCATION_STALE)
    end = later(current.expires_at.moment, CLOCK_SKEW)
    if now > end:
        reason = f"it expired at {current.expires_at.text}"
        return _Flaw(reason, WarningCode.REVOCATION_STALE, beyond_grace=now > _end_of_grace(current))
    return None


def _end_of_grace(listed: RevocationList) -> datetime:
    return later(listed.expires_at.moment, CLOCK_SKEW + GRACE)


def _sequence_flaw(
    current: RevocationList, evidence: RevocationEvidence, best: Mapping[str, RevocationList]
) -> _Flaw | None:
    signer = current.signature.keyid
    known = best.get(signer)
    highest = max(evidence.sequence_numbers.get(signer, 0), known.sequence_number if known else 0)
    if current.sequence_number < highest:
        reason = f"it has sequence number {current.sequence_number}, and {highest} was seen before"
        return _Flaw(reason, WarningCode.REVOCATION_STALE)
    if (
        known is not None
        and known.sequence_number == current.sequence_number
        and known.signed_bytes() != current.signed_bytes()
    ):
        reason = f"two different lists have sequence number {current.sequence_number}"
        return _Flaw(reason, WarningCode.REVOCATION_STALE)
    return None


def _best_lists(remembered: tuple[bytes, ...], find_signer: FindSigner) -> dict[str, RevocationList]:
    """Return the newest authentic remembered list of each signer, however old."""
    best: dict[str, RevocationList] = {}
    for data in remembered:
        listed = _authentic(data, find_signer)
        if isinstance(listed, str):
            continue
        known = best.get(listed.signature.keyid)
        if known is None or known.sequence_number < listed.sequence_number:
            best[listed.signature.keyid] = listed
    return best


def _candidates(current: RevocationList | None, serving: Mapping[str, RevocationList]) -> list[RevocationList]:
    """Return the lists that may revoke: the newest of each signer, and both where two have one number."""
    if current is None:
        return list(serving.values())
    signer = current.signature.keyid
    rival = serving.get(signer)
    others = [listed for keyid, listed in serving.items() if keyid != signer]
    if rival is None or rival.sequence_number < current.sequence_number:
        return [current, *others]
    if rival.sequence_number > current.sequence_number:
        return [rival, *others]
    return [current, rival, *others]
