"""The wire form of what a vetting found, with the size limits of the format."""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Self

import attrs
from attrs import field, frozen

from haldir_core._converter import SCHEMA_VERSION, read_document, structure, unstructure
from haldir_core.canonical import JsonObject, canonical_bytes
from haldir_core.digest import Digest, sha256
from haldir_core.timestamp import Timestamp

DOCUMENT = "vetting-report.json"

MAX_LAYERS = 10
MAX_FINDINGS = 1000
MAX_DURATION_MS = 3_600_000
MAX_COUNT = 10_000
MAX_NOTE = 5000


class Severity(StrEnum):
    """How bad a finding is, from low to critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low, 3 for critical."""
        return list(Severity).index(self)


class Status(StrEnum):
    """The verdict of a layer or of a whole vetting, from good to bad."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FLAG = "flag"
    REJECT = "reject"


def utf16_length(text: str) -> int:
    """Return the length of ``text`` in UTF-16 units, by which the format limits texts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_utf16(text: str, units: int) -> str:
    """Return the longest beginning of ``text`` that has at most ``units`` UTF-16 units."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore")


def _length(low: int, high: int) -> Callable[[object, "attrs.Attribute[Any]", str | None], None]:
    def check(_: object, attribute: "attrs.Attribute[Any]", value: str | None) -> None:
        if value is not None and not low <= utf16_length(value) <= high:
            raise ValueError(f"{attribute.name} must have {low} to {high} UTF-16 units")

    return check


def _between(low: float, high: float) -> Callable[[object, "attrs.Attribute[Any]", float | None], None]:
    def check(_: object, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
        if value is not None and not low <= value <= high:
            raise ValueError(f"{attribute.name} must be from {low} to {high}")

    return check


def _at_most(high: int, low: int = 0) -> Callable[[object, "attrs.Attribute[Any]", tuple[object, ...]], None]:
    def check(_: object, attribute: "attrs.Attribute[Any]", value: tuple[object, ...]) -> None:
        if not low <= len(value) <= high:
            raise ValueError(f"{attribute.name} must have {low} to {high} items")

    return check


@frozen
class Finding:
    """One thing that a layer found.  ``line`` counts from 1, ``column`` from 0 in UTF-16 units."""

    severity: Severity
    category: str = field(validator=_length(1, 100))
    message: str = field(validator=_length(1, 1000))
    pattern_id: str | None = field(default=None, validator=_length(0, 100))
    file: str | None = field(default=None, validator=_length(0, 500))
    line: int | None = field(default=None, validator=_between(1, math.inf))
    column: int | None = field(default=None, validator=_between(0, math.inf))
    match: str | None = field(default=None, validator=_length(0, 500))
    context: str | None = field(default=None, validator=_length(0, 1000))


@frozen
class Summary:
    """How many findings a layer has of each severity, 0 to 10,000."""

    critical: int = field(validator=_between(0, MAX_COUNT))
    high: int = field(validator=_between(0, MAX_COUNT))
    medium: int = field(validator=_between(0, MAX_COUNT))
    low: int = field(validator=_between(0, MAX_COUNT))


@frozen
class LayerReport:
    """What one layer of the vetting found; ``layer`` is its number, 1 to 10."""

    layer: int = field(validator=_between(1, MAX_LAYERS))
    name: str = field(validator=_length(1, 50))
    status: Status
    findings: tuple[Finding, ...] = field(validator=_at_most(MAX_FINDINGS))
    duration_ms: float | None = field(default=None, validator=_between(0, MAX_DURATION_MS))
    summary: Summary | None = None


@frozen
class VettingReport:
    """What a whole vetting found.  Spec: section 7."""

    vetting_timestamp: Timestamp
    pipeline_version: str = field(validator=_length(1, 50))
    layers: tuple[LayerReport, ...] = field(validator=_at_most(MAX_LAYERS, low=1))
    overall_status: Status
    publisher_note: str | None = field(default=None, validator=_length(0, MAX_NOTE))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a report; members that version 1.0 does not name are left out.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 report or breaks a limit.
        """
        return structure(read_document(data, DOCUMENT), cls, DOCUMENT)

    def to_json(self) -> JsonObject:
        """Return the report as JSON value, without optional members that are not set."""
        return {"schema_version": SCHEMA_VERSION} | unstructure(self)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes, whose digest an attestation holds."""
        return canonical_bytes(self.to_json())

    def digest(self) -> Digest:
        """Return the digest of the canonical bytes."""
        return sha256(self.to_bytes())
