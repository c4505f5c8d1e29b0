"""Records that are about one thing, made one vulnerability."""

from collections.abc import Iterable, Sequence

from attrs import define, evolve

from haldir_auditor.issues import Severity
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.cvss import rate
from haldir_auditor.vulnerabilities.interface import Vulnerability
from haldir_auditor.vulnerabilities.matching import Subject, fixed_versions, is_newer, sort_versions
from haldir_auditor.vulnerabilities.records import Record

_FAMILIES = ("MAL-", "GHSA-", "CVE-", "PYSEC-", "RUSTSEC-", "GO-")
"""Whose id names a vulnerability that has several: malware first, then the one that most tools show."""


@define(eq=False)
class _Group:
    """Vulnerabilities that share names."""

    names: set[str]
    members: list[Vulnerability]


def describe(record: Record, ecosystem: Ecosystem, name: str) -> Vulnerability:
    """Return what a record says about a package that it affects, whatever the version."""
    entries = record.of(ecosystem, name)
    own = [rating for entry in entries for rating in entry.ratings]
    word = next((entry.word for entry in entries if entry.word), None) or record.word
    judged = rate(own, None) or rate(record.ratings, word)
    severity = judged.severity if judged else Severity.MEDIUM
    return Vulnerability(
        id=record.id,
        aliases=record.aliases,
        summary=record.summary,
        severity=Severity.CRITICAL if record.malicious else severity,
        malicious=record.malicious,
        fixed=fixed_versions(record, ecosystem, name),
        cvss=judged.vector if judged else None,
        modified=record.modified,
        url=record.url,
        rated=judged is not None or record.malicious,
    )


def for_version(vulnerability: Vulnerability, subject: Subject) -> Vulnerability:
    """Return a vulnerability with those fixed versions that are newer than the subject."""
    return evolve(vulnerability, fixed=tuple(version for version in vulnerability.fixed if is_newer(version, subject)))


def merge(ecosystem: Ecosystem, found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    """Return each vulnerability once, the worst first; those that share an id or an alias are one."""
    group_of: dict[str, _Group] = {}
    for one in found:
        group = _Group({one.id, *one.aliases}, [one])
        for other in {id(known): known for name in group.names if (known := group_of.get(name))}.values():
            group.names |= other.names
            group.members += other.members
        group_of.update(dict.fromkeys(group.names, group))
    groups = {id(group): group for group in group_of.values()}.values()
    merged = [_join(ecosystem, group.names, group.members) for group in groups]
    return tuple(sorted(merged, key=lambda one: (-one.severity.rank, one.id)))


def _join(ecosystem: Ecosystem, names: set[str], members: Sequence[Vulnerability]) -> Vulnerability:
    first = min(members, key=lambda one: _preference(one.id))
    rated = [one for one in members if one.rated] or members
    worst = max(rated, key=lambda one: (one.severity.rank, one.cvss is not None, one.id))
    return Vulnerability(
        id=first.id,
        aliases=tuple(sorted(names - {first.id}, key=_preference)),
        summary=first.summary or next((one.summary for one in members if one.summary), ""),
        severity=worst.severity,
        malicious=any(one.malicious for one in members),
        fixed=sort_versions(ecosystem, {version for one in members for version in one.fixed}),
        cvss=worst.cvss,
        modified=max((one.modified for one in members if one.modified), default=None),
        url=first.url or next((one.url for one in members if one.url), None),
        rated=worst.rated,
    )


def _preference(name: str) -> tuple[int, str]:
    rank = next((rank for rank, family in enumerate(_FAMILIES) if name.startswith(family)), len(_FAMILIES))
    return rank, name
