"""The standalone list of revoked keys, and the judgement on a key's revocation."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue, pretty_bytes
from haldir_core.schemapin._fields import object_of, objects_of, optional_text, text_of
from haldir_core.schemapin.canon import parse_strict_object
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.discovery import Discovery, same_fingerprint, unread_fingerprint
from haldir_core.schemapin.domains import Domain, is_domain
from haldir_core.schemapin.times import Moment, written_time

DOCUMENT = "revocation document"
VERSION = "1.2"
MAX_BYTES = 64 * 1024
"""Largest document that is read; it holds 400 keys."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""


class Reason(StrEnum):
    """Why a key was revoked; the four words of SchemaPin 1.2."""

    KEY_COMPROMISE = "key_compromise"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"


@frozen
class RevokedKey:
    """One entry.  Its date and its reason are for people: a listed key is revoked now, whatever they say."""

    fingerprint: str
    revoked_at: str
    reason: str

    @property
    def known_reason(self) -> Reason | None:
        """The reason, if it is one of the four words."""
        return Reason(self.reason) if self.reason in set(Reason) else None


@frozen(kw_only=True)
class KeyRevocations:
    """A revocation document that was read.

    Attributes:
        updated_at: when it was written, or None if it does not say so in RFC 3339.
        members: all that it holds, unknown members too.
    """

    domain: str
    updated_at: Moment | None
    revoked_keys: tuple[RevokedKey, ...]
    members: Mapping[str, JsonValue] = field(eq=False, repr=False, factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a document.

        Raises: MalformedError
        """
        return cls.from_json(parse_strict_object(data, DOCUMENT, max_bytes=MAX_BYTES))

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read a document that is a JSON value already.

        An entry with an unknown reason, or an odd date, revokes all the same.

        Raises: MalformedError if it names no domain, or an entry names no key: who knows which one was meant?
        """
        members = object_of(value, DOCUMENT)
        return cls(
            domain=text_of(members, "domain", DOCUMENT),
            updated_at=_moment(optional_text(members, "updated_at", DOCUMENT)),
            revoked_keys=tuple(map(_entry, objects_of(members, "revoked_keys", DOCUMENT))),
            members=members,
        )

    @classmethod
    def create(cls, domain: Domain, entries: tuple[RevokedKey, ...], now: datetime) -> Self:
        """Return the document that ``domain`` publishes."""
        return cls(domain=domain, updated_at=Moment.parse(written_time(now)), revoked_keys=entries)

    def revokes(self, fingerprint: str) -> RevokedKey | None:
        """Return the entry that names the key."""
        return next((key for key in self.revoked_keys if same_fingerprint(fingerprint, (key.fingerprint,))), None)

    def to_json(self) -> JsonObject:
        """Return the document as JSON value."""
        entries: list[JsonValue] = [
            {"fingerprint": key.fingerprint, "revoked_at": key.revoked_at, "reason": key.reason}
            for key in self.revoked_keys
        ]
        return {
            "schemapin_version": VERSION,
            "domain": self.domain,
            "updated_at": self.updated_at.text if self.updated_at else "",
            "revoked_keys": entries,
        }

    def to_bytes(self) -> bytes:
        """Return the document as it is served."""
        return pretty_bytes(self.to_json())


class Demand(StrEnum):
    """When a key is refused because no revocation document answers for it."""

    ANNOUNCED = "announced"
    """Where the discovery document names a revocation endpoint (the default)."""
    ALWAYS = "always"
    NEVER = "never"
    """As the published SDKs do: what is missing, undated or old refuses nothing."""


@frozen(kw_only=True)
class RevocationPolicy:
    """How much is demanded before a key counts as not revoked.

    Attributes:
        demand: when a document must be there.
        max_age: how old a document may be; None for any age, which also allows one without a date.
        not_before: the newest ``updated_at`` that was seen for the domain; an older document is a replay.
    """

    demand: Demand = Demand.ANNOUNCED
    max_age: timedelta | None = None
    not_before: Moment | None = None


class Standing(StrEnum):
    """What is known about the revocation of a key."""

    GOOD = "good"
    REVOKED = "revoked"
    UNCERTAIN = "uncertain"
    """Nothing that could be believed says that it is good; whether that refuses it is a matter of policy."""


@frozen
class RevocationJudgement:
    """What the lists say about a key.

    ``code`` is the error that refuses it.  Without one the key passes; where it is not certain that it is good,
    ``message`` is what a caller should be warned of.
    """

    standing: Standing
    code: ErrorCode | None = None
    message: str = ""


_GOOD = RevocationJudgement(Standing.GOOD)


def judge_revocation(
    fingerprint: str,
    discovery: Discovery,
    document: KeyRevocations | None,
    *,
    domain: Domain,
    now: datetime,
    policy: RevocationPolicy | None = None,
) -> RevocationJudgement:
    """Return what the simple list, then the standalone document, say about a key.

    Age, date and domain of a document limit what it acquits, not what it revokes; so does an entry that names no key,
    for it can mean this one.
    """
    settings = policy or RevocationPolicy()
    if discovery.revokes(fingerprint):
        return RevocationJudgement(Standing.REVOKED, ErrorCode.KEY_REVOKED, "the discovery document revokes this key")
    entry = document.revokes(fingerprint) if document else None
    if entry is not None:
        reason = entry.known_reason or f"unknown reason {entry.reason[:40]!r}"
        return RevocationJudgement(Standing.REVOKED, ErrorCode.KEY_REVOKED, f"this key was revoked: {reason}")
    judgement = _acquittal(discovery, document, domain, now, settings)
    unread = unread_fingerprint(discovery.revoked_keys) if discovery.revoked_keys else None
    if judgement.code is not None or unread is None:
        return judgement
    code = ErrorCode.DISCOVERY_INVALID if settings.demand is Demand.ALWAYS else None
    return _unread("discovery document", unread, code)


def _acquittal(
    discovery: Discovery, document: KeyRevocations | None, domain: Domain, now: datetime, settings: RevocationPolicy
) -> RevocationJudgement:
    """Return what the standalone document says about a key that no list names."""
    if document is None:
        return _without_document(discovery, settings)
    doubt = _doubt(document, domain, now, settings)
    if doubt is None:
        unread = unread_fingerprint(key.fingerprint for key in document.revoked_keys)
        if unread is None:
            return _GOOD
        return _unread(DOCUMENT, unread, ErrorCode.DISCOVERY_INVALID if _is_demanded(discovery, settings) else None)
    if settings.demand is Demand.NEVER and doubt.code is not ErrorCode.DOMAIN_MISMATCH:
        return RevocationJudgement(Standing.UNCERTAIN, message=doubt.message)
    return doubt


def _without_document(discovery: Discovery, policy: RevocationPolicy) -> RevocationJudgement:
    if policy.demand is not Demand.ALWAYS and not discovery.revocation_endpoint:
        return _GOOD
    message = "not certain that this key is not revoked: the revocation document is missing; fetch it, and try again"
    code = None if policy.demand is Demand.NEVER else ErrorCode.DISCOVERY_FETCH_FAILED
    return RevocationJudgement(Standing.UNCERTAIN, code, message)


def _is_demanded(discovery: Discovery, policy: RevocationPolicy) -> bool:
    """Whether there must be a revocation document that can be believed."""
    if policy.demand is Demand.ANNOUNCED:
        return bool(discovery.revocation_endpoint)
    return policy.demand is Demand.ALWAYS


def _unread(document: str, entry: str, code: ErrorCode | None) -> RevocationJudgement:
    message = f"the {document} revokes {entry[:80]!r}, which names no key: who can say that it is not this one?"
    return RevocationJudgement(Standing.UNCERTAIN, code, message)


def _doubt(
    document: KeyRevocations, domain: Domain, now: datetime, policy: RevocationPolicy
) -> RevocationJudgement | None:
    """Return why a document that does not list the key does not acquit it either."""
    if not is_domain(document.domain, domain):
        message = f"the revocation document speaks for {document.domain[:100]!r}, not for {domain}"
        return RevocationJudgement(Standing.UNCERTAIN, ErrorCode.DOMAIN_MISMATCH, message)
    reason = _staleness(document.updated_at, now, policy)
    if reason is None:
        return None
    return RevocationJudgement(Standing.UNCERTAIN, ErrorCode.DISCOVERY_INVALID, f"the revocation document {reason}")


def _staleness(updated: Moment | None, now: datetime, policy: RevocationPolicy) -> str | None:
    if updated is None:
        dated = policy.max_age is not None or policy.not_before is not None
        return "does not say when it was written" if dated else None
    if policy.not_before is not None and updated < policy.not_before:
        return f"of {updated.text} is older than one seen before, of {policy.not_before.text}"
    if policy.max_age is None:
        return None
    if updated.moment - now > CLOCK_SKEW:
        return f"is dated {updated.text}, in the future"
    return f"of {updated.text} is too old: fetch it again" if now - updated.moment > policy.max_age else None


def _entry(members: Mapping[str, JsonValue]) -> RevokedKey:
    return RevokedKey(
        text_of(members, "fingerprint", DOCUMENT),
        _any_text(members.get("revoked_at")),
        _any_text(members.get("reason")),
    )


def _any_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _moment(text: str | None) -> Moment | None:
    try:
        return Moment.parse(text) if text else None
    except ValueError:
        return None
