"""The records of OSV, parsed once; what cannot be trusted to mean what it says is refused.

Source: OSV schema 1.7.5, https://ossf.github.io/osv-schema/.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from attrs import evolve, frozen

from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.versions import COVERED, MAX_NAME_CHARS, MAX_VERSION_CHARS, normalise_name

MALWARE = "CWE-506"
"""Embedded malicious code: how advisories about malware are classed that have no ``MAL-`` id."""
MAX_AFFECTED = 20_000
MAX_VERSIONS = 100_000
MAX_EVENTS = 10_000
MAX_ALIASES = 2000
MAX_TEXT_CHARS = 10_000_000
SUMMARY_CHARS = 300

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
"""What the id of a record is made of: nothing that means something in a path or a URL."""
_ECOSYSTEMS = {ecosystem.lower(): ecosystem for ecosystem in COVERED}
# Fractions beyond microseconds occur: datetime reads six digits.
_LONG_FRACTION = re.compile(r"(\.\d{6})\d+", re.ASCII)


class RecordError(ValueError):
    """Something is no record of OSV; the message says what is wrong with it."""


class RangeKind(StrEnum):
    """How the events of a range are to be read."""

    ECOSYSTEM = "ECOSYSTEM"
    SEMVER = "SEMVER"
    GIT = "GIT"
    UNKNOWN = "unknown"


class EventKind(StrEnum):
    """What happens at a version."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@frozen
class Event:
    """A point of a range."""

    kind: EventKind
    version: str


@frozen
class Range:
    """Versions between events, which stand in no order."""

    kind: RangeKind
    events: tuple[Event, ...]


@frozen
class Rating:
    """A severity as written: the ``kind`` is CVSS_V4, CVSS_V3, CVSS_V2 or a name of a database."""

    kind: str
    score: str


@frozen
class Affected:
    """The versions of one package that a record is about; ``name`` is normalised."""

    ecosystem: Ecosystem
    name: str
    ranges: tuple[Range, ...]
    versions: frozenset[str]
    ratings: tuple[Rating, ...] = ()
    word: str | None = None


@frozen
class Record:
    """One record of OSV, with the packages of the ecosystems that can be compared; ``word`` is a severity in words."""

    id: str
    aliases: tuple[str, ...]
    modified: datetime
    withdrawn: bool
    summary: str
    affected: tuple[Affected, ...]
    ratings: tuple[Rating, ...]
    word: str | None
    url: str | None
    weaknesses: frozenset[str] = frozenset()

    @property
    def malicious(self) -> bool:
        """Whether it says that the package itself is an attack."""
        return MALWARE in self.weaknesses or any(name.startswith("MAL-") for name in (self.id, *self.aliases))

    def by_package(self) -> "dict[tuple[Ecosystem, str], Record]":
        """Return what it says about each package, as a record of its own."""
        entries: defaultdict[tuple[Ecosystem, str], list[Affected]] = defaultdict(list)
        for one in self.affected:
            entries[one.ecosystem, one.name].append(one)
        return {package: evolve(self, affected=tuple(some)) for package, some in entries.items()}

    def of(self, ecosystem: Ecosystem, name: str) -> tuple[Affected, ...]:
        """Return what it says about a package, whose name is normalised."""
        return tuple(one for one in self.affected if one.name == name and one.ecosystem is ecosystem)


def is_elsewhere(document: Mapping[str, object]) -> bool:
    """Whether a document is clearly about packages of other ecosystems only, so that it need not be read.

    What is odd in any way is not clear.
    """
    affected = document.get("affected")
    if not isinstance(affected, list) or not affected:
        return False
    packages = [entry.get("package") if isinstance(entry, dict) else None for entry in affected]
    named = [package.get("ecosystem") if isinstance(package, dict) else None for package in packages]
    return all(isinstance(one, str) and one and _ecosystem(one) is None for one in named)


def parse_record(document: object) -> Record:
    """Return the record that a JSON or YAML document holds.

    Raises:
        RecordError: if it is no record, or one that this version cannot read.
    """
    fields = _mapping(document, "a record")
    identifier = _text(fields.get("id"), "id")
    if not ID.fullmatch(identifier):
        raise RecordError(f"the id {identifier[:150]!r} has characters that no id has, or is too long")
    return Record(
        id=identifier,
        aliases=_aliases(fields.get("aliases")),
        modified=parse_time(fields.get("modified")),
        withdrawn=_is_withdrawn(fields.get("withdrawn")),
        summary=_summary(fields),
        affected=_all_affected(fields.get("affected")),
        ratings=_ratings(fields.get("severity")),
        word=_word(fields),
        url=_url(fields.get("references")),
        weaknesses=_weaknesses(fields.get("database_specific")),
    )


def parse_time(value: object) -> datetime:
    """Return a moment of a record in UTC; without a zone it is UTC.

    Raises:
        RecordError: if it is none.
    """
    text = _LONG_FRACTION.sub(r"\1", _text(value, "a time", 64).strip())
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{text!r} is no time") from error


def format_time(moment: datetime) -> str:
    """Return a moment as OSV writes it, with ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_withdrawn(value: object) -> bool:
    """Whether there is a moment of withdrawal; what is none must not hide a record."""
    if value is None or value == "":
        return False
    parse_time(value)
    return True


def _all_affected(value: object) -> tuple[Affected, ...]:
    entries = (_affected(entry) for entry in _sequence(value, "affected", MAX_AFFECTED))
    return tuple(entry for entry in entries if entry is not None)


def _affected(value: object) -> Affected | None:
    """Return an entry about a package; None if it is about none, or one of another ecosystem."""
    fields = _mapping(value, "an entry of affected")
    if fields.get("package") is None:
        return None
    package = _mapping(fields["package"], "a package")
    ecosystem = _ecosystem(_text(package.get("ecosystem"), "an ecosystem"))
    if ecosystem is None:
        return None
    name = _text(package.get("name"), "a name", MAX_NAME_CHARS)
    versions = _sequence(fields.get("versions"), "versions", MAX_VERSIONS)
    return Affected(
        ecosystem=ecosystem,
        name=normalise_name(ecosystem, name),
        ranges=tuple(_range(entry) for entry in _sequence(fields.get("ranges"), "ranges", MAX_EVENTS)),
        versions=frozenset(_text(version, "a version", MAX_VERSION_CHARS) for version in versions),
        ratings=_ratings(fields.get("severity")),
        word=_word(fields),
    )


def _ecosystem(text: str) -> Ecosystem | None:
    # "Debian:11": what follows the colon is a release of a distribution; the "pypi" of a careless hand is not lost
    return _ECOSYSTEMS.get(text.partition(":")[0].strip().lower())


def _range(value: object) -> Range:
    fields = _mapping(value, "a range")
    kind = fields.get("type")
    known = next((known for known in RangeKind if known == kind), RangeKind.UNKNOWN)
    events = _sequence(fields.get("events"), "events", MAX_EVENTS)
    return Range(known, tuple(_event(kind, version) for event in events for kind, version in _points(event)))


def _points(event: object) -> Sequence[tuple[str, object]]:
    points = tuple(_mapping(event, "an event").items())
    if not points:
        raise RecordError("an event is empty")
    return points


def _event(kind: str, version: object) -> Event:
    try:
        return Event(EventKind(kind), _text(version, "the version of an event", MAX_VERSION_CHARS))
    except ValueError as error:
        raise RecordError(f"an event is called {kind[:40]!r}, which this version does not know") from error


def _ratings(value: object) -> tuple[Rating, ...]:
    entries = [_mapping(entry, "a severity") for entry in _sequence(value, "severity", MAX_ALIASES)]
    return tuple(Rating(_text(entry.get("type"), "a type"), _text(entry.get("score"), "a score")) for entry in entries)


def _word(fields: Mapping[str, object]) -> str | None:
    """Return the severity that a database gives in words of its own."""
    for part in ("database_specific", "ecosystem_specific"):
        own = fields.get(part)
        word = own.get("severity") if isinstance(own, dict) else None
        if isinstance(word, str):
            return word.lower()[:40]
    return None


def _weaknesses(own: object) -> frozenset[str]:
    """Return the ids of CWE that GitHub gives in a member of its own."""
    named = own.get("cwe_ids") if isinstance(own, dict) else None
    return frozenset(name for name in named if isinstance(name, str)) if isinstance(named, list) else frozenset()


def _aliases(value: object) -> tuple[str, ...]:
    names = (_text(name, "an alias") for name in _sequence(value, "aliases", MAX_ALIASES))
    return tuple(dict.fromkeys(name for name in names if ID.fullmatch(name)))


def _summary(fields: Mapping[str, object]) -> str:
    """Return one line of words: the summary, else the beginning of the details."""
    text = fields.get("summary") or fields.get("details") or ""
    line = " ".join(_text(text, "a summary", MAX_TEXT_CHARS)[: 2 * SUMMARY_CHARS].split())
    return line if len(line) <= SUMMARY_CHARS else line[: SUMMARY_CHARS - 3] + "..."


def _url(value: object) -> str | None:
    """Return the page about it: an advisory if there is one, else the first page."""
    pages: dict[str, str] = {}
    for entry in _sequence(value, "references", MAX_EVENTS):
        fields = _mapping(entry, "a reference")
        kind, url = fields.get("type"), fields.get("url")
        if isinstance(kind, str) and isinstance(url, str) and url.startswith("https://") and len(url) <= 2000:
            pages.setdefault(kind, url)
    return pages.get("ADVISORY") or next(iter(pages.values()), None)


def _mapping(value: object, noun: str) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise RecordError(f"{noun} is no object")
    return value


def _sequence(value: object, noun: str, most: int) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise RecordError(f"{noun} is no list")
    if len(value) > most:
        raise RecordError(f"{noun} has {len(value)} entries, {most} are read")
    return value


def _text(value: object, noun: str, most: int = 1000) -> str:
    if not isinstance(value, str):
        raise RecordError(f"{noun} is missing or no text")
    if len(value) > most:
        raise RecordError(f"{noun} has {len(value)} characters, {most} are read")
    return value
