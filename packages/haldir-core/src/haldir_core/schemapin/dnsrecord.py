"""The TXT record at ``_schemapin.{domain}``: ``v=schemapin1; kid=..; fp=sha256:..``."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from attrs import frozen

from haldir_core.errors import MalformedError
from haldir_core.schemapin.domains import Domain

DOCUMENT = "DNS TXT record"
PREFIX = "_schemapin."
VERSION = "schemapin1"
MAX_CHARACTERS = 4096
"""Longest value that is read; a record with a kid takes 120."""

MAX_RECORDS = 64
"""Values of one name that are looked at."""

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_MARK = f"v={VERSION}"


class DnsStanding(StrEnum):
    """What the record of a domain says about a key."""

    ABSENT = "absent"
    """There is no record; it says nothing, for or against."""
    MATCH = "match"
    MISMATCH = "mismatch"


@frozen
class DnsRecord:
    """A record that was read."""

    fingerprint: str
    kid: str | None = None

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read the value of one record.

        Fields stand in any order; their names have either case; unknown ones are ignored; of two with the
        same name the later counts, unless they are fingerprints that differ.

        Raises: MalformedError
        """
        if len(value) > MAX_CHARACTERS:
            raise MalformedError(DOCUMENT, f"longer than {MAX_CHARACTERS} characters")
        fields: dict[str, str] = {}
        for part in filter(None, (piece.strip() for piece in value.split(";"))):
            name, found, content = part.partition("=")
            if not found:
                raise MalformedError(DOCUMENT, f"field {part[:100]!r} has no =")
            fields[name.strip().lower()] = content.strip()
        return cls(fingerprint=_fingerprint(fields), kid=fields.get("kid") or None)

    def matches(self, fingerprint: str) -> bool:
        """Whether ``fingerprint`` is the one that the record names."""
        return self.fingerprint == fingerprint.lower()

    def to_text(self) -> str:
        """Return the value of the record."""
        kid = f"; kid={self.kid}" if self.kid else ""
        return f"{_MARK}{kid}; fp={self.fingerprint}"


def record_name(domain: Domain) -> str:
    """Return the name under which the record of ``domain`` stands."""
    return PREFIX + domain


def join_chunks(chunks: Iterable[bytes]) -> str:
    """Return the value of a record that came in pieces of up to 255 bytes.

    Raises: MalformedError if it is not UTF-8, or too long.
    """
    data = b"".join(chunks)
    if len(data) > MAX_CHARACTERS:
        raise MalformedError(DOCUMENT, f"longer than {MAX_CHARACTERS} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(DOCUMENT, f"not UTF-8 at byte {error.start}") from error


def find_record(values: Iterable[str]) -> DnsRecord | None:
    """Return the record among all TXT values of a name; None if none of them is meant as one.

    Raises: MalformedError if one that is meant as a record is none, or two of them name different keys: which of
        them a resolver gives first is chance.
    """
    records: list[DnsRecord] = []
    for count, value in enumerate(values):
        if count == MAX_RECORDS:
            raise MalformedError(DOCUMENT, f"more than {MAX_RECORDS} records")
        if _MARK in value.lower().replace(" ", ""):
            records.append(DnsRecord.parse(value))
    if len({record.fingerprint for record in records}) > 1:
        raise MalformedError(DOCUMENT, "several records name different keys")
    return records[0] if records else None


def compare(record: DnsRecord | None, fingerprint: str) -> DnsStanding:
    """Return what ``record`` says about the key with ``fingerprint``."""
    if record is None:
        return DnsStanding.ABSENT
    return DnsStanding.MATCH if record.matches(fingerprint) else DnsStanding.MISMATCH


def _fingerprint(fields: dict[str, str]) -> str:
    version = fields.get("v")
    if version is None:
        raise MalformedError(DOCUMENT, "has no v field")
    if version != VERSION:
        raise MalformedError(DOCUMENT, f"version {version[:50]!r} is not {VERSION}")
    text = fields.get("fp")
    if text is None:
        raise MalformedError(DOCUMENT, "has no fp field")
    fingerprint = text.lower()
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise MalformedError(DOCUMENT, f"fp {text[:100]!r} is not sha256: and 64 hexadecimal digits")
    return fingerprint
