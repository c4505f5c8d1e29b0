"""The JSON form of what came of a scan.  Spec: docs/reference/scan-json.md, spec/schemas/scan-report.schema.json."""

from typing import TYPE_CHECKING, Any

from haldir_scanner._reports._fingerprint import fingerprint
from haldir_scanner._reports._report import Match, ScanReport
from haldir_scanner._reports._suppression import Suppression
from haldir_scanner._severity import Severity

if TYPE_CHECKING:
    from haldir_scanner._pool import Scanned

ERROR = "error"
"""Stands where the status would be, if there is none."""


def to_json(scanned: "Scanned", *, least: Severity = Severity.LOW) -> dict[str, Any]:
    """The JSON value for what came of one path; findings below ``least`` are left out, which changes nothing else."""
    if scanned.error is not None:
        return {"path": scanned.path, "status": ERROR, "error": str(scanned.error)}
    report = scanned.report
    form: dict[str, Any] = {
        "path": scanned.path,
        "status": report.status.value,
        "score": report.score,
        "policy": report.policy.value,
        "reasons": _reasons(report),
        "bundle": {"version": report.bundle_version, "digest": report.bundle_digest},
        "duration_ms": round(1000 * scanned.seconds),
        "files_scanned": report.files_scanned,
        "bytes_scanned": report.bytes_scanned,
        "patterns_checked": report.patterns_checked,
        "summary": {severity.value: count for severity, count in report.summary.items()},
        "findings": _findings(report, least),
    }
    if len(scanned.units) > 1:
        form["units"] = [
            {
                "path": unit.prefix or ".",
                "status": unit.report.status.value,
                "score": unit.report.score,
                "reasons": _reasons(unit.report),
                "findings": len(unit.report.matches),
            }
            for unit in scanned.units
        ]
    return form


def suppression_to_json(entry: Suppression) -> dict[str, Any]:
    """The JSON value of an entry of a baseline, without what is empty."""
    given = {"rule": entry.rule, "path": entry.path, "fingerprint": entry.fingerprint}
    return {name: value for name, value in given.items() if value} | {
        "reason": entry.reason,
        "expires": entry.expires.isoformat(),
    }


def _reasons(report: ScanReport) -> list[dict[str, Any]]:
    return [
        {"rule": reason.rule, "effect": reason.effect.value, "points": reason.points, "places": reason.places}
        for reason in report.reasons
    ]


def _findings(report: ScanReport, least: Severity) -> list[dict[str, Any]]:
    shown = [_finding(match) for match in report.matches if match.severity >= least]
    hidden = [
        _finding(item.match) | {"suppressed": suppression_to_json(item.entry)}
        for item in report.suppressed
        if item.match.severity >= least
    ]
    return [*shown, *hidden]


def _finding(match: Match) -> dict[str, Any]:
    rule = match.definition
    return {
        "rule": rule.id,
        "pattern_id": rule.id,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "confidence": rule.confidence.value,
        "effect": rule.effect.value,
        "title": rule.title,
        "message": rule.message,
        "remediation": rule.remediation,
        "file": match.path,
        "line": match.line,
        "column": match.column,
        "match": match.excerpt,
        "context": match.context,
        "region": None if match.region is None else match.region.value,
        "chain": list(match.chain),
        "flow": [{"line": place.line, "column": place.column, "excerpt": place.excerpt} for place in match.flow],
        "detail": match.detail,
        "cwe": list(rule.cwe),
        "owasp_llm": list(rule.owasp_llm),
        "owasp_agentic": list(rule.owasp_agentic),
        "owasp_skills": list(rule.owasp_skills),
        "atlas": list(rule.atlas),
        "fingerprint": fingerprint(match),
    }
