"""The discovery document of a domain: its key, who it belongs to, which keys it revoked."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Self

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue, pretty_bytes
from haldir_core.errors import MalformedError
from haldir_core.schemapin._fields import list_of, object_of, optional_text, without_none
from haldir_core.schemapin.canon import parse_strict_object
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.keys import Fingerprint

DOCUMENT = "discovery document"
WELL_KNOWN = "/.well-known/schemapin.json"
"""Where a domain serves its own document."""

WELL_KNOWN_FOLDER = "/.well-known/schemapin"
"""Where a server keeps the documents of several domains: ``/{domain}.json`` below it."""

MAX_BYTES = 64 * 1024
"""Largest document that is read; one with a key and a hundred revoked ones takes 9 KiB."""

SCHEMA_VERSION = "1.4"
"""The version that we write."""

NEWEST_OLD_VERSION = (1, 1)
PEM_MARK = "BEGIN PUBLIC KEY"

_VERSION = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.\d{1,9})?", re.ASCII)
_FINGERPRINT = re.compile(
    r"(?:sha-?256 {0,3}[:=]? {0,3})?([0-9a-f]{2}(?:[: -]?[0-9a-f]{2}){31})", re.IGNORECASE | re.ASCII
)
_BETWEEN = str.maketrans("", "", ": -")


@frozen(kw_only=True)
class Discovery:
    """A discovery document that was read.

    Attributes:
        public_key_pem: the SPKI PEM text of the key; that it is a key at all is found when it is loaded.
        schema_version: the version it declares; only what is fetched must declare one.
        revoked_keys: the keys that it revokes, as it writes them.
        members: all that it holds, unknown members too.
    """

    public_key_pem: str
    schema_version: str | None = None
    developer_name: str | None = None
    revoked_keys: tuple[str, ...] = ()
    contact: str | None = None
    revocation_endpoint: str | None = None
    members: Mapping[str, JsonValue] = field(eq=False, repr=False, factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a document.

        Raises: MalformedError if it is larger than 64 KiB, no strict JSON, or has no public key.
        """
        return cls.from_json(parse_strict_object(data, DOCUMENT, max_bytes=MAX_BYTES))

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read a document that is a JSON value already, such as an entry of a bundle.

        Raises: MalformedError
        """
        members = object_of(value, DOCUMENT)
        pem = optional_text(members, "public_key_pem", DOCUMENT)
        if not pem:
            raise MalformedError(DOCUMENT, "has no public_key_pem")
        if PEM_MARK not in pem:
            raise MalformedError(DOCUMENT, "public_key_pem is no PEM public key (-----BEGIN PUBLIC KEY-----)")
        return cls(
            public_key_pem=pem,
            schema_version=optional_text(members, "schema_version", DOCUMENT),
            developer_name=optional_text(members, "developer_name", DOCUMENT),
            revoked_keys=_revoked_keys(members),
            contact=optional_text(members, "contact", DOCUMENT),
            revocation_endpoint=optional_text(members, "revocation_endpoint", DOCUMENT),
            members=members,
        )

    @classmethod
    def from_server(cls, data: bytes) -> Self:
        """Read a document that a server gave: it must declare its version.

        Raises: MalformedError
        """
        document = cls.from_bytes(data)
        if not document.schema_version:
            raise MalformedError(DOCUMENT, "has no schema_version")
        return document

    def to_json(self) -> JsonObject:
        """Return the document as JSON value, without what ``members`` holds beside the known fields."""
        return without_none(
            schema_version=self.schema_version or SCHEMA_VERSION,
            developer_name=self.developer_name,
            public_key_pem=self.public_key_pem,
            revoked_keys=list(self.revoked_keys),
            contact=self.contact,
            revocation_endpoint=self.revocation_endpoint,
        )

    def to_bytes(self) -> bytes:
        """Return the document as it is served."""
        return pretty_bytes(self.to_json())

    def revokes(self, fingerprint: str) -> bool:
        """Whether the simple list names the key, in whichever spelling `read_fingerprint` reads.

        The SDKs compare texts, so that a key that is revoked in capital letters is not revoked.
        """
        return same_fingerprint(fingerprint, self.revoked_keys)

    def version_warnings(self) -> tuple[str, ...]:
        """Return what a caller should know about the version, compared as numbers: 1.10 comes after 1.2."""
        return _version_warnings(self.schema_version)


def read_fingerprint(text: str) -> Fingerprint | None:
    """Return the fingerprint that an entry of a list means, or None if it means none.

    Letters may have either case; ``sha256:`` may be missing, or be written ``SHA-256:`` or with blanks after it; and
    there may be colons, blanks or hyphens between the bytes, as other tools write them.
    """
    match = _FINGERPRINT.fullmatch(text.strip())
    return Fingerprint(f"sha256:{match[1].lower().translate(_BETWEEN)}") if match else None


def unread_fingerprint(listed: Iterable[str]) -> str | None:
    """Return the first entry of a list of revoked keys that names no key; None if all do."""
    return next((text for text in listed if read_fingerprint(text) is None), None)


def same_fingerprint(fingerprint: str, listed: tuple[str, ...]) -> bool:
    """Whether ``listed`` names the key of ``fingerprint``, however its digits are written."""
    if not listed:
        return False
    return fingerprint in listed or any(read_fingerprint(text) == fingerprint for text in listed)


def well_known_url(domain: Domain) -> str:
    """Return the address of the discovery document of ``domain``."""
    return f"https://{domain}{WELL_KNOWN}"


@lru_cache(maxsize=64)
def _version_warnings(version: str | None) -> tuple[str, ...]:
    match = _VERSION.fullmatch(version) if version else None
    if not version or (match and (int(match[1]), int(match[2] or 0)) > NEWEST_OLD_VERSION):
        return ()
    if match is None:
        return (f"Discovery declares schema version {version[:40]!r}, which is no version",)
    return (f"Discovery uses schema version {version}, consider upgrading to 1.2",)


def _revoked_keys(members: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the simple list; one text instead of a list is a list of one."""
    single = members.get("revoked_keys")
    if isinstance(single, str):
        return (single,)
    listed = list_of(members, "revoked_keys", DOCUMENT)
    if not all(isinstance(item, str) for item in listed):
        raise MalformedError(DOCUMENT, "revoked_keys must hold texts")
    return tuple(str(item) for item in listed)
