"""Whether a record is about a version, with a third answer where nobody can say."""

from collections.abc import Iterable
from enum import Enum

from attrs import evolve, frozen
from packaging.version import Version

from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.interface import Package
from haldir_auditor.vulnerabilities.records import EventKind, RangeKind, Record
from haldir_auditor.vulnerabilities.spans import Span, spans_of
from haldir_auditor.vulnerabilities.versions import (
    Key,
    is_final,
    is_same_version,
    normalise_name,
    parse_version,
    spellings,
)

MAX_COMPARISONS = 1_000_000
"""What is worth it to make a claim shorter; real ones take a hundredth."""


class Verdict(Enum):
    """What a record says about a version; ``UNKNOWN`` if it says something that cannot be evaluated."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not affected"
    UNKNOWN = "unknown"


@frozen
class Subject:
    """A package, with all that the evaluation of its records needs; its name is normalised."""

    ecosystem: Ecosystem
    name: str
    version: str
    key: Key | None
    spellings: frozenset[str]

    @classmethod
    def of(cls, package: Package) -> "Subject":
        """Return the subject that a package is."""
        ecosystem, version = package.ecosystem, package.version.strip()
        return cls(
            ecosystem,
            normalise_name(ecosystem, package.name),
            version,
            parse_version(ecosystem, version),
            spellings(ecosystem, version),
        )


@frozen
class Claim:
    """The versions of one package that a record is about; ``doubtful`` if a part of it cannot be evaluated."""

    spans: tuple[Span, ...]
    listed: frozenset[str]
    doubtful: bool = False


def claim_of(record: Record, ecosystem: Ecosystem, name: str) -> Claim:
    """Return what a record says about the versions of a package; a withdrawn one says nothing."""
    if record.withdrawn:
        return Claim((), frozenset())
    entries = record.of(ecosystem, name)
    ranges = [one for entry in entries for one in entry.ranges if one.kind is not RangeKind.GIT]
    spans = [spans_of(ecosystem, one) for one in ranges]
    # about the package, but about no version that could be compared: commits only, or nothing
    silent = any(not entry.versions and all(one.kind is RangeKind.GIT for one in entry.ranges) for entry in entries)
    return Claim(
        spans=tuple(span for some in spans if some is not None for span in some),
        listed=frozenset(version for entry in entries for version in entry.versions),
        doubtful=silent or None in spans,
    )


def without_repetition(claim: Claim, ecosystem: Ecosystem) -> Claim:
    """Return a claim that says the same, without the listed versions that its spans hold."""
    if len(claim.listed) * len(claim.spans) > MAX_COMPARISONS:
        return claim
    keys = {version: parse_version(ecosystem, version) for version in claim.listed}
    listed = (version for version, key in keys.items() if key is None or not _is_spanned(claim, ecosystem, key))
    return evolve(claim, listed=frozenset(listed))


def judge(record: Record, subject: Subject) -> Verdict:
    """Return whether a record is about a version."""
    return judge_claim(claim_of(record, subject.ecosystem, subject.name), subject)


def judge_claim(claim: Claim, subject: Subject) -> Verdict:
    """Return whether a claim is about a version."""
    if not claim.listed.isdisjoint(subject.spellings) or _is_listed(claim, subject):
        return Verdict.AFFECTED
    if subject.key is None:
        return Verdict.UNKNOWN if claim.spans or claim.doubtful else Verdict.NOT_AFFECTED
    if _is_spanned(claim, subject.ecosystem, subject.key):
        return Verdict.AFFECTED
    return Verdict.UNKNOWN if claim.doubtful else Verdict.NOT_AFFECTED


def fixed_versions(record: Record, ecosystem: Ecosystem, name: str) -> tuple[str, ...]:
    """Return the versions that a record names as fixed, oldest first."""
    named = {
        event.version
        for entry in record.of(ecosystem, name)
        for one in entry.ranges
        if one.kind is not RangeKind.GIT
        for event in one.events
        if event.kind is EventKind.FIXED
    }
    return sort_versions(ecosystem, named)


def is_newer(version: str, subject: Subject) -> bool:
    """Whether a version is newer than the subject, or nobody can say."""
    key = parse_version(subject.ecosystem, version)
    return key is not None and (subject.key is None or key > subject.key)  # type: ignore[operator] # of one ecosystem


def sort_versions(ecosystem: Ecosystem, versions: Iterable[str]) -> tuple[str, ...]:
    """Return versions oldest first, each once; what is no version is left out."""
    keys = {version: parse_version(ecosystem, version) for version in versions}
    known = [(key, version) for version, key in keys.items() if key is not None]
    return tuple(version for _, version in sorted(known))


def _is_spanned(claim: Claim, ecosystem: Ecosystem, key: Key) -> bool:
    return any(span.holds(ecosystem, key) for span in claim.spans)


def _is_listed(claim: Claim, subject: Subject) -> bool:
    """Whether a version with letters is listed in another spelling: 1.0rc1 and 1.0-rc.1 are one version."""
    if not isinstance(subject.key, Version) or is_final(subject.key):  # the spellings of final ones have been compared
        return False
    begin = str(subject.key.epoch or subject.key.major)
    near = (listed for listed in claim.listed if listed.removeprefix("v").startswith(begin))
    return any(is_same_version(subject.ecosystem, listed, subject.key.public) for listed in near)
