"""Trust bundles: the discovery documents and revocations of many domains in one signed file."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self

import attrs
from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue, pretty_bytes
from haldir_core.errors import KeyFileError, MalformedError, SigningError
from haldir_core.schemapin._fields import object_of, objects_of, optional_text, text_of, without_none
from haldir_core.schemapin.canon import parse_strict_object, schemapin_v1
from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain, is_domain, parse_tool_id
from haldir_core.schemapin.keys import PublicKey, Signer
from haldir_core.schemapin.pins import AUTHORITY_DOMAIN, Candidate, PinLedger
from haldir_core.schemapin.revocation import KeyRevocations, RevokedKey
from haldir_core.schemapin.signatures import message_verifies, sign_message
from haldir_core.schemapin.times import Moment, written_time

DOCUMENT = "trust bundle"
UNSIGNED_VERSION = "1.2"
SIGNED_VERSION = "1.4"
MAX_BYTES = 8 * 1024 * 1024
"""Largest bundle that is read: about 16,000 domains."""

_REVOCATION_FIELDS = ("schemapin_version", "domain", "updated_at", "revoked_keys")
_ENTRY_FIELDS = ("fingerprint", "revoked_at", "reason")


@frozen
class BundleAuthority:
    """Who signed a bundle: the name of the key, and the key."""

    kid: str
    public_key_pem: str


@frozen
class BundledDocument:
    """The discovery document of a domain, as the bundle holds it: with the domain among its members."""

    domain: str
    members: Mapping[str, JsonValue] = field(repr=False)

    def discovery(self) -> Discovery:
        """Return the document.

        Raises: MalformedError if it is none; the others of the bundle are not harmed by that.
        """
        return Discovery.from_json(self.members)


@frozen(kw_only=True)
class TrustBundle:
    """A bundle that was read, or is to be signed.  Spec: schemapin, section 10.

    Attributes:
        created_at: RFC 3339, or whatever stands there: only a merge looks at it.
        expires_at: None if it does not expire.
    """

    version: str = UNSIGNED_VERSION
    created_at: str = ""
    documents: tuple[BundledDocument, ...] = ()
    revocations: tuple[KeyRevocations, ...] = ()
    authority: BundleAuthority | None = None
    signed_at: str | None = None
    expires_at: str | None = None
    signature: str | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a bundle; its signature is not verified here.

        Raises: MalformedError
        """
        return cls.from_json(parse_strict_object(data, DOCUMENT, max_bytes=MAX_BYTES))

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read a bundle that is a JSON value already.

        Raises: MalformedError
        """
        members = object_of(value, DOCUMENT)
        documents = objects_of(members, "documents", DOCUMENT)
        return cls(
            version=text_of(members, "schemapin_bundle_version", DOCUMENT),
            created_at=optional_text(members, "created_at", DOCUMENT) or "",
            documents=tuple(BundledDocument(text_of(one, "domain", DOCUMENT), one) for one in documents),
            revocations=tuple(map(KeyRevocations.from_json, objects_of(members, "revocations", DOCUMENT))),
            authority=_authority(members.get("bundle_authority")),
            signed_at=optional_text(members, "signed_at", DOCUMENT),
            expires_at=optional_text(members, "expires_at", DOCUMENT),
            signature=optional_text(members, "signature", DOCUMENT),
        )

    @classmethod
    def create(
        cls, documents: Iterable[tuple[Domain, Discovery]], revocations: Iterable[KeyRevocations], now: datetime
    ) -> Self:
        """Return an unsigned bundle of these documents."""
        return cls(
            created_at=written_time(now),
            documents=tuple(
                BundledDocument(domain, {"domain": domain} | document.to_json()) for domain, document in documents
            ),
            revocations=tuple(revocations),
        )

    def find(self, domain: Domain) -> Discovery | None:
        """Return the discovery document of ``domain``; the first with what all of them revoke, if there are several.

        Raises: MalformedError if one is none.
        """
        found = [one.discovery() for one in self.documents if is_domain(one.domain, domain)]
        if len(found) < 2:
            return found[0] if found else None
        return attrs.evolve(
            found[0], revoked_keys=tuple(dict.fromkeys(key for one in found for key in one.revoked_keys))
        )

    def find_revocations(self, domain: Domain) -> KeyRevocations | None:
        """Return the revocations of ``domain``: of all documents for it together, dated by the newest."""
        found = [one for one in self.revocations if is_domain(one.domain, domain)]
        return united(found) if found else None

    def to_json(self) -> JsonObject:
        """Return the bundle as JSON value: what the signature is over, and the signature."""
        authority = None
        if self.authority is not None:
            authority = {"kid": self.authority.kid, "public_key_pem": self.authority.public_key_pem}
        documents: list[JsonValue] = [dict(one.members) for one in self.documents]
        revocations: list[JsonValue] = [_revocation_json(one) for one in self.revocations]
        return without_none(
            schemapin_bundle_version=self.version,
            created_at=self.created_at,
            documents=documents,
            revocations=revocations,
            bundle_authority=authority,
            signed_at=self.signed_at,
            expires_at=self.expires_at,
            signature=self.signature,
        )

    def to_bytes(self) -> bytes:
        """Return the bundle as it is written to disk."""
        return pretty_bytes(self.to_json())

    def signing_bytes(self) -> bytes:
        """Return the bytes that the signature is over: the canonical bundle with an empty ``signature``.

        Members of the bundle and of its revocations that nobody knows are no part of them, and are not read;
        those of discovery documents are.

        Raises: MalformedError if the bundle has no canonical form.
        """
        return schemapin_v1(self.to_json() | {"signature": ""}, DOCUMENT)


@frozen(kw_only=True)
class BundleResult:
    """Whether a bundle can be used; ``code`` and ``message`` say why not."""

    valid: bool
    code: ErrorCode | None = None
    message: str = ""
    status: PinStatus | None = None
    fingerprint: str | None = None


def sign_bundle(
    bundle: TrustBundle, signer: Signer, kid: str, now: datetime, *, expires_at: datetime | None = None
) -> TrustBundle:
    """Return ``bundle`` signed by an authority that calls its key ``kid``.

    Raises:
        SigningError: if it would be expired at once.
        MalformedError: if ``kid`` is no name for a key, or the bundle has no canonical form.
    """
    if expires_at is not None and expires_at <= now:
        raise SigningError("the bundle would be expired already: give a later time")
    signed = attrs.evolve(
        bundle,
        version=SIGNED_VERSION,
        authority=BundleAuthority(parse_tool_id(kid), signer.public_key.to_pem().decode("ascii")),
        signed_at=written_time(now),
        expires_at=None if expires_at is None else written_time(expires_at),
        signature=None,
    )
    return attrs.evolve(signed, signature=sign_message(signer, signed.signing_bytes()))


def verify_bundle(bundle: TrustBundle, pins: PinLedger, *, now: datetime) -> BundleResult:
    """Return whether an authority that is pinned, or can be, signed this bundle and it has not expired.

    The order is that of the SDKs, but the authority is pinned last, when its signature holds.
    """
    if bundle.authority is None or bundle.signature is None:
        return _refused(ErrorCode.BUNDLE_UNSIGNED, "the bundle is not signed")
    if expired := _expired(bundle.expires_at, now):
        return _refused(ErrorCode.BUNDLE_EXPIRED, expired)
    return _verify_signed(bundle, bundle.authority, bundle.signature, pins, now)


def united(documents: Iterable[KeyRevocations]) -> KeyRevocations:
    """Return one document that revokes what any of ``documents`` does, dated by the newest, whose entries come first.

    Raises: ValueError if there are none.
    """
    ordered = sorted(documents, key=lambda one: (one.updated_at is not None, one.updated_at), reverse=True)
    if not ordered:
        raise ValueError("no documents to unite")
    entries: dict[str, RevokedKey] = {}
    for document in ordered:
        for entry in document.revoked_keys:
            entries.setdefault(entry.fingerprint.lower(), entry)
    return KeyRevocations(
        domain=ordered[0].domain, updated_at=ordered[0].updated_at, revoked_keys=tuple(entries.values())
    )


def _verify_signed(
    bundle: TrustBundle, authority: BundleAuthority, signature: str, pins: PinLedger, now: datetime
) -> BundleResult:
    try:
        key = PublicKey.from_pem(authority.public_key_pem)
    except KeyFileError as error:
        return _refused(ErrorCode.KEY_NOT_FOUND, f"the key of the bundle authority {error}")
    candidate = Candidate(
        tool_id=parse_tool_id(authority.kid),
        domain=AUTHORITY_DOMAIN,
        fingerprint=key.fingerprint,
        public_key_pem=authority.public_key_pem,
    )
    if (judgement := pins.peek(candidate)).is_refused:
        return _refused(ErrorCode.KEY_PIN_MISMATCH, judgement.message)
    if not _is_signed_by(bundle, key, signature):
        return _refused(ErrorCode.SIGNATURE_INVALID, "the signature of the bundle is not that of its authority")
    if (judgement := pins.commit(candidate, now)).is_refused:
        return _refused(ErrorCode.KEY_PIN_MISMATCH, judgement.message)
    return BundleResult(valid=True, status=judgement.status, fingerprint=key.fingerprint)


def _is_signed_by(bundle: TrustBundle, key: PublicKey, signature: str) -> bool:
    try:
        return message_verifies(key, signature, bundle.signing_bytes())
    except MalformedError:
        return False


def _expired(expires_at: str | None, now: datetime) -> str | None:
    """Return why a bundle with this ``expires_at`` cannot be used any more."""
    if expires_at is None:
        return None
    try:
        moment = Moment.parse(expires_at)
    except ValueError as error:
        return f"expires_at {expires_at[:60]!r} {error}"
    return f"the bundle expired at {expires_at}: get a newer one" if moment <= Moment.at(now) else None


def _authority(value: JsonValue) -> BundleAuthority | None:
    if value is None:
        return None
    members = object_of(value, f"{DOCUMENT}: bundle_authority")
    kid = text_of(members, "kid", f"{DOCUMENT}: bundle_authority")
    return BundleAuthority(parse_tool_id(kid), text_of(members, "public_key_pem", f"{DOCUMENT}: bundle_authority"))


def _revocation_json(document: KeyRevocations) -> JsonObject:
    """Return what the signature is over: the members that the SDKs know, as they were read."""
    if not document.members:
        return document.to_json()
    known = {name: document.members[name] for name in _REVOCATION_FIELDS if name in document.members}
    entries: list[JsonValue] = [
        {name: entry[name] for name in _ENTRY_FIELDS if name in entry}
        for entry in objects_of(document.members, "revoked_keys", DOCUMENT)
    ]
    return known | {"revoked_keys": entries}


def _refused(code: ErrorCode, message: str) -> BundleResult:
    return BundleResult(valid=False, code=code, message=message)
