"""What a signer says about a skill: its name, and the digests of its manifest, permissions and report."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Self

import attrs
from attrs import field, frozen

from haldir_core._converter import JSON_NAME, SCHEMA_VERSION, read_document, structure
from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes
from haldir_core.digest import Digest
from haldir_core.invisible import is_invisible
from haldir_core.timestamp import Timestamp

DOCUMENT = "attestation.json"


def _plain(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    """Whoever reads the text can type it: so the skill can be named, compared and revoked."""
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    if value != value.strip():
        raise ValueError(f"{attribute.name} must not begin or end with a blank")
    if not (value.isascii() and value.isprintable()) and _has_hidden(value):
        raise ValueError(f"{attribute.name} must be in normal form C, without control or invisible characters")


def _name(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if "*" in value:
        raise ValueError(f"{attribute.name} must not hold *, which looks like a pattern in revocations")


def _version(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if "@" in value or "*" in value:
        raise ValueError(f"{attribute.name} must not hold @ or *, which have a meaning in revocations")


@frozen
class SkillIdentity:
    """Which skill, which version of it and of which type (``skill.md``, ``mcp``, ...).

    None is empty, begins or ends with a blank, or holds what cannot be seen: Spec: section 5.
    """

    name: str = field(validator=[_plain, _name])
    version: str = field(validator=[_plain, _version])
    type: str = field(validator=_plain)


@frozen
class Attestation:
    """The statement that is signed.  Spec: section 5.

    ``extra`` holds the members that version 1.0 does not name; they are signed like the others.
    """

    skill: SkillIdentity
    integrity_hash: Digest
    permissions_hash: Digest
    signed_at: Timestamp
    vetting_report_hash: Digest | None = None
    critical: tuple[str, ...] | None = field(default=None, metadata={JSON_NAME: "_critical"})
    extra: Mapping[str, JsonValue] = field(factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read an attestation.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 attestation.
        """
        members = read_document(data, DOCUMENT)
        named = {name: value for name, value in members.items() if name in _NAMES}
        extra = {name: value for name, value in members.items() if name not in _NAMES and name != "schema_version"}
        return attrs.evolve(structure(named, cls, DOCUMENT), extra=extra)

    def to_json(self) -> JsonObject:
        """Return the attestation as JSON value, members in the order of the specification."""
        members: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "skill": attrs.asdict(self.skill),
            "integrity_hash": self.integrity_hash,
            "permissions_hash": self.permissions_hash,
            "vetting_report_hash": self.vetting_report_hash,
            "signed_at": self.signed_at.text,
            "_critical": None if self.critical is None else list(self.critical),
        }
        return {name: value for name, value in members.items() if value is not None} | dict(self.extra)

    def to_bytes(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical_bytes(self.to_json())


_NAMES = {field.metadata.get(JSON_NAME, field.name) for field in attrs.fields(Attestation)} - {"extra"}


def _has_hidden(text: str) -> bool:
    return any(map(is_invisible, text)) or not unicodedata.is_normalized("NFC", text)
