"""The judgement on a skill's revocation: which lists count, how old they may be, what they say."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

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


def _as_tuple(lists: bytes | Sequence[bytes] | None) -> tuple[bytes, ...]:
    if lists is None:
        return ()
    return (lists,) if isinstance(lists, bytes) else tuple(lists)


@frozen(kw_only=True)
class RevocationEvidence:
    """What a caller knows about revocations when a skill is verified.

    Attributes:
        current: the lists at hand now, as bytes: one, several, of which the best counts, or None.
        remembered: the best lists that were kept from earlier verifications.
        sequence_numbers: the highest sequence number seen, by key id, if no list was kept.
    """

    current: tuple[bytes, ...] = field(default=(), converter=_as_tuple)
    remembered: tuple[bytes, ...] = field(default=(), converter=_as_tuple)
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
    given = [_authentic(data, find_signer) for data in evidence.current]
    bench = _Bench(
        given=[listed for listed, _ in given if listed],
        given_any=bool(given),
        kept=[listed for data in evidence.remembered if (listed := _authentic(data, find_signer)[0])],
        sequence_numbers=evidence.sequence_numbers,
        find_signer=find_signer,
        now=now,
    )
    answer = bench.answer([reason for listed, reason in given if not listed])
    listed = bench.revoking(skill)
    accepted = answer.listed if answer.flaw in {None, _Flaw.OWN_LIST} else None
    if context is not Context.RUNTIME and answer.flaw and (listed is None or answer.flaw.spoils_verdict):
        message = _NO_INSTALL.format(answer.reason)
        return RevocationStatus(error=ErrorCode.REVOCATION_STALE, message=message, accepted=accepted)
    if listed is not None:
        message = f"Skill {skill.name}@{skill.version} has been revoked (list {listed.sequence_number})"
        return RevocationStatus(error=ErrorCode.REVOKED, message=message, accepted=accepted)
    if answer.flaw is None:
        return RevocationStatus(accepted=accepted)
    if answer.flaw is _Flaw.TOO_OLD:
        return RevocationStatus(error=ErrorCode.REVOCATION_STALE, message=_NO_RUN.format(answer.reason))
    message = f"Revocation status is not certain: {answer.reason}"
    return RevocationStatus(warning=_WARNINGS[answer.flaw], message=message, accepted=accepted)


_NO_INSTALL = "Not certain that it is not revoked: {}. Give the newest list of the publisher or the revocation key"
_NO_RUN = "The revocation list is too old: {}. Get the newest list of its signer and try again"


class _Flaw(IntEnum):
    """Why a list does not answer for the skill, from nearly good to nothing at all."""

    OWN_LIST = 1
    """Authentic and current, but the publisher's own where a revocation key is trusted."""
    EXPIRED = 2
    """Expired within grace."""
    UNCERTAIN = 3
    """Dated in the future, older than one seen before, or one of two with the same number."""
    TOO_OLD = 4
    """Expired beyond grace."""
    NOT_AUTHENTIC = 5
    NONE_GIVEN = 6

    @property
    def spoils_verdict(self) -> bool:
        """Whether there is a list that cannot be believed; at install that is said before what it lists."""
        return self not in {_Flaw.OWN_LIST, _Flaw.NONE_GIVEN}


_WARNINGS = {
    _Flaw.OWN_LIST: WarningCode.REVOCATION_UNAVAILABLE,
    _Flaw.EXPIRED: WarningCode.REVOCATION_STALE,
    _Flaw.UNCERTAIN: WarningCode.REVOCATION_STALE,
    _Flaw.NOT_AUTHENTIC: WarningCode.REVOCATION_SIG_INVALID,
    _Flaw.NONE_GIVEN: WarningCode.REVOCATION_UNAVAILABLE,
}


@frozen
class _Judged:
    """A list if it is authentic, and what is wrong with it."""

    listed: RevocationList | None
    flaw: _Flaw | None = None
    reason: str = ""


@frozen(kw_only=True)
class _Bench:
    """What is known when the lists are judged: the authentic ones at hand, and those that were kept."""

    given: Sequence[RevocationList]
    given_any: bool
    kept: Sequence[RevocationList]
    sequence_numbers: Mapping[str, int]
    find_signer: FindSigner
    now: datetime

    def answer(self, refused: Sequence[str]) -> _Judged:
        """Return the best of the lists at hand, the newest of equally good ones; ``refused`` says why others are none.

        A publisher's own list needs a kept list of a revocation key beside it that is still current.  And
        what is no answer does not extend the grace of the lists that were kept: a forger could hand it in.
        """
        newest_first = sorted(self.given, key=lambda listed: listed.issued_at.moment, reverse=True)
        judged = [self._judge(listed) for listed in newest_first]
        judged += [_Judged(None, _Flaw.NOT_AUTHENTIC, reason) for reason in refused]
        if not judged:
            return _Judged(None, _Flaw.NONE_GIVEN, "no revocation list was given")
        best = min(judged, key=lambda one: one.flaw or 0)
        answering = [self._judge(listed) for listed in (*self.given, *self.kept) if self._may_acquit(listed)]
        if best.flaw is _Flaw.OWN_LIST and any(one.flaw is None for one in answering):
            return _Judged(best.listed)
        too_old = [one for one in answering if one.flaw is _Flaw.TOO_OLD]
        if best.flaw and too_old and not any(one.flaw in {None, _Flaw.EXPIRED} for one in answering):
            reasons = dict.fromkeys((best.reason, too_old[0].reason))
            return _Judged(best.listed, _Flaw.TOO_OLD, "; ".join(reasons))
        return best

    def revoking(self, skill: SkillIdentity) -> RevocationList | None:
        """Return a list that revokes ``skill``: any at hand, or a kept one that no newer list at hand replaces.

        Age and number limit what acquits, not what revokes.  Only where no list is at hand do kept ones
        cease to count with their grace, as in the peer.
        """
        kept = [listed for listed in self.kept if not any(map(listed.is_replaced_by, self.given))]
        if not self.given_any:
            kept = [listed for listed in kept if self.now <= _end_of_grace(listed)]
        return next((listed for listed in (*self.given, *kept) if listed.revokes(skill)), None)

    def _judge(self, listed: RevocationList) -> _Judged:
        expired = f"it expired at {listed.expires_at.text}"
        if self.now > _end_of_grace(listed):
            return _Judged(listed, _Flaw.TOO_OLD, expired)
        doubt = self._doubt(listed)
        if doubt:
            return _Judged(listed, _Flaw.UNCERTAIN, doubt)
        if self.now > later(listed.expires_at.moment, CLOCK_SKEW):
            return _Judged(listed, _Flaw.EXPIRED, expired)
        if not self._may_acquit(listed):
            reason = "this is the publisher's own list, and a revocation key is trusted whose list is missing"
            return _Judged(listed, _Flaw.OWN_LIST, reason)
        return _Judged(listed)

    def _doubt(self, listed: RevocationList) -> str:
        """Return why the date or the number of a list cannot be believed; empty if they can."""
        signer = listed.signature.keyid
        if listed.issued_at.moment > later(self.now, CLOCK_SKEW):
            return f"it is dated in the future ({listed.issued_at.text})"
        known = [other for other in (*self.given, *self.kept) if other.signature.keyid == signer]
        highest = max([self.sequence_numbers.get(signer, 0), *(other.sequence_number for other in known)])
        if listed.sequence_number < highest:
            return f"it has sequence number {listed.sequence_number}, and {highest} was seen before"
        same = [other for other in known if other.sequence_number == listed.sequence_number and other is not listed]
        if any(other.signed_bytes() != listed.signed_bytes() for other in same):
            return f"two different lists have sequence number {listed.sequence_number}"
        return ""

    def _may_acquit(self, listed: RevocationList) -> bool:
        signer = self.find_signer(listed.signature.keyid)
        return signer is not None and signer.may_acquit


def _authentic(data: bytes, find_signer: FindSigner) -> tuple[RevocationList | None, str]:
    """Return the list that ``data`` holds if it counts, or why it does not."""
    try:
        listed = RevocationList.from_bytes(data)
    except MalformedError as error:
        return None, str(error)
    signer = find_signer(listed.signature.keyid)
    if signer is None:
        return None, f"it is signed by {listed.signature.keyid[:64]!r}, which is not trusted for revocations"
    if not listed.is_signed_by(signer.key):
        return None, "its signature does not verify"
    if listed.issued_at.moment >= later(listed.expires_at.moment, CLOCK_SKEW):
        return None, "it was issued after its own expiry"
    return listed, ""


def _end_of_grace(listed: RevocationList) -> datetime:
    return later(listed.expires_at.moment, CLOCK_SKEW + GRACE)
