"""The JSON form of a report.

Spec: docs/reference/audit-json.md.
"""

from collections.abc import Iterator
from typing import TypeAlias

from haldir_auditor._purl import to_purl
from haldir_auditor._reports.fingerprint import fingerprint
from haldir_auditor._reports.moments import zulu
from haldir_auditor.issues import AuditReport, Issue, Severity, Suppressed
from haldir_auditor.supply import Dependency, Locked

JsonObject: TypeAlias = dict[str, "JsonValue"]
JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | JsonObject | None"


def to_json(report: AuditReport) -> JsonObject:
    """The report as JSON can hold it."""
    counts = {severity.value: 0 for severity in reversed(Severity)}
    for issue in report.issues:
        counts[issue.severity.value] += 1
    return {
        "status": report.status.value,
        "complete": report.complete,
        "not_checked": list(report.not_checked),
        "vulnerability_data": [
            {"source": data.source, "as_of": zulu(data.as_of) if data.as_of else None, "records": data.records}
            for data in report.vulnerability_data
        ],
        "counts": dict(report.counts),
        "summary": dict(counts),
        "findings": [_issue(issue) for issue in report.issues],
        "suppressed": [_suppressed(item) for item in report.suppressed],
        "manifests": [{"file": item.path, "format": item.format} for item in report.supply.manifests],
        "locks": [{"file": item.path, "format": item.format} for item in report.supply.locks],
        "dependencies": [_package(item) for item in _packages(report)],
    }


def _issue(issue: Issue) -> JsonObject:
    package = issue.dependency
    return {
        "id": issue.rule,
        "severity": issue.severity.value,
        "category": issue.category,
        "title": issue.check.title,
        "message": issue.message,
        "remedy": issue.check.remedy,
        "file": issue.path,
        "line": issue.line,
        "dependency": None if package is None else package.name,
        "version": None if package is None else package.version,
        "ecosystem": None if package is None else package.ecosystem.value,
        "vulnerability": issue.vulnerability,
        "aliases": list(issue.aliases),
        "fixed_in": list(issue.fixed_in),
        "fingerprint": fingerprint(issue),
    }


def _suppressed(item: Suppressed) -> JsonObject:
    form: JsonObject = {
        "reason": item.reason,
        "expires": zulu(item.expires) if item.expires else None,
        "vex": item.vex,
        "justification": item.justification,
    }
    return _issue(item.issue) | form


def _packages(report: AuditReport) -> Iterator[Dependency | Locked]:
    for manifest in report.supply.manifests:
        yield from manifest.dependencies
    yield from report.supply.installs
    for lock in report.supply.locks:
        yield from lock.packages


def _package(item: Dependency | Locked) -> JsonObject:
    return {
        "ecosystem": item.ecosystem.value,
        "name": item.name,
        "version": item.version,
        "range": item.range if isinstance(item, Dependency) else None,
        "scope": item.scope.value if isinstance(item, Dependency) else "locked",
        "origin": item.origin.value,
        "pinned": bool(item.version),
        "hashed": bool(item.hashes),
        "depth": item.depth if isinstance(item, Locked) else None,
        "file": item.place.path,
        "line": item.place.line,
        "purl": to_purl(item.ecosystem, item.name, item.version),
    }
