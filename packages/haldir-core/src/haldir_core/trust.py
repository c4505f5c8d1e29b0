"""Who is trusted, for what: the keyring of a verification and the trust store that fills it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Self

import attrs
from attrs import field, frozen

from haldir_core._converter import SCHEMA_VERSION, read_document, structure, unstructure
from haldir_core.canonical import JsonObject, pretty_bytes
from haldir_core.encoding import decode_base64, encode_base64url
from haldir_core.errors import DecodeError, KeyFileError, MalformedError, TrustError
from haldir_core.keys import Environment, KeyId, KeyRole, PublicKey
from haldir_core.timestamp import Timestamp

DOCUMENT = "trust store"

SKILL_ROLES = frozenset({KeyRole.PUBLISHER, KeyRole.AUTHORITY})
"""The roles whose keys may sign skills."""


@frozen
class TrustedKey:
    """A key, and what it is trusted for."""

    key: PublicKey
    roles: frozenset[KeyRole]


@frozen
class Keyring:
    """The trusted keys of one verification, by key id."""

    keys: Mapping[KeyId, TrustedKey] = field(factory=dict)

    @classmethod
    def of(cls, keys: Iterable[tuple[PublicKey, KeyRole]]) -> Self:
        """Return the ring of these keys; one that comes twice has both roles."""
        ring: dict[KeyId, TrustedKey] = {}
        for key, role in keys:
            known = ring.get(key.keyid, TrustedKey(key, frozenset()))
            ring[key.keyid] = TrustedKey(key, known.roles | {role})
        return cls(ring)

    def find(self, keyid: str, roles: Collection[KeyRole]) -> PublicKey | None:
        """Return the key of that id if it has one of ``roles``."""
        trusted = self.keys.get(KeyId(keyid))
        return trusted.key if trusted and trusted.roles.intersection(roles) else None

    def has_role(self, keyid: str, role: KeyRole) -> bool:
        """Whether the key of that id is trusted for ``role``."""
        return self.find(keyid, (role,)) is not None

    def with_role(self, roles: Collection[KeyRole]) -> "Keyring":
        """Return the ring of the keys that have one of ``roles``, all their roles kept."""
        return Keyring({keyid: trusted for keyid, trusted in self.keys.items() if trusted.roles.intersection(roles)})


@frozen(kw_only=True)
class StoredKey:
    """A key of a trust store or of a published key document."""

    public_key: str
    role: KeyRole
    environment: Environment
    added_at: Timestamp
    note: str = ""

    @classmethod
    def of(cls, key: PublicKey, role: KeyRole, environment: Environment, *, added_at: Timestamp, note: str) -> Self:
        """Return the record of ``key``."""
        return cls(
            public_key=encode_base64url(key.spki), role=role, environment=environment, added_at=added_at, note=note
        )

    @property
    def key(self) -> PublicKey:
        """The key itself.

        Raises: MalformedError if ``public_key`` is not the SPKI DER form of an admitted key in base64.
        """
        try:
            spki = decode_base64(self.public_key)
            key = PublicKey(spki[-32:])
        except (DecodeError, KeyFileError) as error:
            raise MalformedError(DOCUMENT, f"public_key: {error}") from error
        if key.spki != spki:
            raise MalformedError(DOCUMENT, "public_key is not the SPKI form of an Ed25519 key")
        return key


@frozen(kw_only=True)
class StoredIdentity:
    """A Sigstore identity of a trust store: the token issuer, and the subject that it vouches for."""

    issuer: str = field(validator=attrs.validators.min_len(1))
    subject: str = field(validator=attrs.validators.min_len(1))
    role: KeyRole
    environment: Environment
    added_at: Timestamp


@frozen(kw_only=True)
class TrustStore:
    """The keys and identities that one user trusts, all of one environment.  Spec: section 11."""

    environment: Environment = Environment.PRODUCTION
    keys: tuple[StoredKey, ...] = ()
    identities: tuple[StoredIdentity, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a trust store.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 store, holds a key that is not admitted, or an entry
                of another environment than its own.
        """
        store = structure(read_document(data, DOCUMENT), cls, DOCUMENT)
        entries: tuple[StoredKey | StoredIdentity, ...] = (*store.keys, *store.identities)
        for entry in entries:
            if entry.environment is not store.environment:
                raise MalformedError(DOCUMENT, f"a {store.environment} store holds a {entry.environment} entry")
        store.keyring()
        return store

    def to_json(self) -> JsonObject:
        """Return the store as JSON value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "environment": self.environment.value,
            "keys": [{"keyid": stored.key.keyid} | unstructure(stored) for stored in self.keys],
            "identities": [unstructure(stored) for stored in self.identities],
        }

    def to_bytes(self) -> bytes:
        """Return the store as it is written to disk."""
        return pretty_bytes(self.to_json())

    def keyring(self) -> Keyring:
        """Return the ring of all keys."""
        return Keyring.of((stored.key, stored.role) for stored in self.keys)

    def add(self, entry: StoredKey | StoredIdentity) -> Self:
        """Return the store with one more entry; one that it has already changes nothing.

        Raises: TrustError if the entry is of another environment than the store.
        """
        entries: tuple[StoredKey | StoredIdentity, ...] = (*self.keys, *self.identities)
        if entry.environment is not self.environment:
            raise TrustError(
                f"this is a {self.environment} store: it takes no {entry.environment} key or identity; "
                "keep that in a store of its own"
            )
        if any(_same(entry, known) for known in entries):
            return self
        if isinstance(entry, StoredKey):
            return attrs.evolve(self, keys=(*self.keys, entry))
        return attrs.evolve(self, identities=(*self.identities, entry))

    def remove_key(self, keyid: str) -> Self:
        """Return the store without the key of that id, in any role.

        Raises: TrustError if there is none.
        """
        left = tuple(stored for stored in self.keys if stored.key.keyid != keyid)
        if len(left) == len(self.keys):
            raise TrustError(f"no key {keyid} is in this store")
        return attrs.evolve(self, keys=left)

    def remove_identity(self, issuer: str, subject: str) -> Self:
        """Return the store without that identity, in any role.

        Raises: TrustError if there is none.
        """
        left = tuple(stored for stored in self.identities if (stored.issuer, stored.subject) != (issuer, subject))
        if len(left) == len(self.identities):
            raise TrustError(f"no identity {issuer}={subject} is in this store")
        return attrs.evolve(self, identities=left)


def _same(one: StoredKey | StoredIdentity, other: StoredKey | StoredIdentity) -> bool:
    if isinstance(one, StoredKey) and isinstance(other, StoredKey):
        return (one.public_key, one.role) == (other.public_key, other.role)
    if isinstance(one, StoredIdentity) and isinstance(other, StoredIdentity):
        return (one.issuer, one.subject, one.role) == (other.issuer, other.subject, other.role)
    return False
