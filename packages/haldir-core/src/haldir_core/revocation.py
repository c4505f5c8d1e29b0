"""Signed lists of the skills that must no longer be used."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import attrs
from attrs import field, frozen

from haldir_core._converter import SCHEMA_VERSION, read_document, structure, unstructure
from haldir_core.attestation import SkillIdentity
from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes, pretty_bytes
from haldir_core.encoding import decode_base64, encode_base64url
from haldir_core.envelope import Signature
from haldir_core.errors import DecodeError, MalformedError, RevocationError
from haldir_core.keys import PublicKey, Signer
from haldir_core.timestamp import Timestamp, later

DOCUMENT = "revocation list"

LIFETIME = timedelta(hours=24)
"""How long a list that we write is current."""

NEXT_UPDATE = timedelta(minutes=30)
"""When a client should look for a newer list."""

EVERY_VERSION = "*"

_LARGEST_SEQUENCE = 2**53 - 1


def _positive(_: object, attribute: "attrs.Attribute[Any]", value: int) -> None:
    if not 1 <= value <= _LARGEST_SEQUENCE:
        raise ValueError(f"{attribute.name} must be from 1 to {_LARGEST_SEQUENCE}")


@frozen
class RevokedSkill:
    """One entry: versions of one skill (``*`` for all), since when, and why."""

    name: str
    versions: tuple[str, ...] = field(validator=attrs.validators.min_len(1))
    revoked_at: Timestamp
    reason: str
    severity: str = field(validator=attrs.validators.min_len(1))

    def names(self, skill: SkillIdentity) -> bool:
        """Whether this entry revokes ``skill``; names and versions are compared exactly."""
        return self.name == skill.name and (skill.version in self.versions or EVERY_VERSION in self.versions)


@frozen
class RevocationList:
    """A list of revoked skills as its signer published it.  Spec: section 10.

    ``document`` is the whole JSON document; members that version 1.0 does not name are signed too.
    ``source`` is the very bytes that were read.
    """

    sequence_number: int = field(validator=_positive)
    issued_at: Timestamp
    expires_at: Timestamp
    next_update: Timestamp
    entries: tuple[RevokedSkill, ...]
    signature: Signature
    document: Mapping[str, JsonValue] = field(eq=False, repr=False, factory=dict)
    source: bytes = field(eq=False, repr=False, default=b"")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a list; its signature is not verified here.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 list.
        """
        document = read_document(data, DOCUMENT)
        named = {name: value for name, value in document.items() if name not in {"document", "source"}}
        return attrs.evolve(structure(named, cls, DOCUMENT), document=document, source=data)

    @classmethod
    def create(cls, signer: Signer, now: datetime, *entries: RevokedSkill) -> Self:
        """Return a new list with ``entries`` and sequence number 1."""
        listed: list[JsonValue] = [unstructure(entry) for entry in entries]
        return cls._signed({"sequence_number": 0, "entries": listed}, signer, now)

    def revoke(self, entry: RevokedSkill, *, signer: Signer, now: datetime) -> Self:
        """Return the next list, which has ``entry`` too, unless its versions are listed already.

        Raises: RevocationError if ``signer`` is not the key that signed this list.
        """
        listed = {version for known in self.entries if known.name == entry.name for version in known.versions}
        members = dict(self.document)
        known = members["entries"]
        if isinstance(known, list) and not listed.issuperset(entry.versions):
            members["entries"] = [*known, unstructure(entry)]
        return self._next(members, signer, now)

    def refresh(self, *, signer: Signer, now: datetime) -> Self:
        """Return the next list, with the same entries and a new date.

        Raises: RevocationError if ``signer`` is not the key that signed this list.
        """
        return self._next(dict(self.document), signer, now)

    def signed_bytes(self) -> bytes:
        """Return the bytes that the signature is over: the canonical document without ``signature``.

        Raises: MalformedError if the document has no canonical form, so that nobody can have signed it.
        """
        return canonical_bytes({name: value for name, value in self.document.items() if name != "signature"})

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature is that of ``key``."""
        if self.signature.keyid != key.keyid:
            return False
        try:
            return key.verifies(decode_base64(self.signature.sig), self.signed_bytes())
        except (DecodeError, MalformedError):
            return False

    def revokes(self, skill: SkillIdentity) -> bool:
        """Whether an entry names ``skill``."""
        return any(entry.names(skill) for entry in self.entries)

    def is_replaced_by(self, other: "RevocationList") -> bool:
        """Whether ``other`` is a later list of the same signer."""
        same_signer = self.signature.keyid == other.signature.keyid
        return same_signer and self.sequence_number < other.sequence_number

    def to_bytes(self) -> bytes:
        """Return the list as it was read, or is to be written to disk."""
        return self.source

    def _next(self, members: JsonObject, signer: Signer, now: datetime) -> Self:
        if not self.is_signed_by(signer.public_key):
            raise RevocationError(
                f"this list was not signed by {signer.keyid} (it names {self.signature.keyid}, or was changed): "
                "extend it with the key that signed it"
            )
        return self._signed(members, signer, now)

    @classmethod
    def _signed(cls, members: JsonObject, signer: Signer, now: datetime) -> Self:
        sequence = members["sequence_number"]
        if not isinstance(sequence, int) or sequence >= _LARGEST_SEQUENCE:
            raise RevocationError("the sequence numbers of this list are used up: start a new list with a new key")
        document: JsonObject = {
            "schema_version": SCHEMA_VERSION,
            "sequence_number": sequence + 1,
            "issued_at": Timestamp.at(now).text,
            "expires_at": Timestamp.at(later(now, LIFETIME)).text,
            "next_update": Timestamp.at(later(now, NEXT_UPDATE)).text,
        }
        document |= {name: value for name, value in members.items() if name not in document and name != "signature"}
        signature = encode_base64url(signer.sign(canonical_bytes(document)))
        document["signature"] = {"keyid": signer.keyid, "sig": signature}
        return cls.from_bytes(pretty_bytes(document))
