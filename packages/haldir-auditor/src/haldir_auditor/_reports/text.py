"""The report in words for people."""

from collections.abc import Iterator

from haldir_auditor._reports.moments import zulu
from haldir_auditor._words import plural
from haldir_auditor.issues import AuditReport, Issue, Severity

SHOWN_ISSUES = 50


def to_text(report: AuditReport, name: str) -> Iterator[str]:
    """Yield the lines of the report about the skill called ``name``; nothing in them is made safe for a terminal."""
    yield f"{report.status.upper()}  {name}: {_figures(report)}"
    told: set[str] = set()
    shown = [issue for issue in report.issues if issue.rule != "not-checked"]  # said at the end
    for issue in shown[:SHOWN_ISSUES]:
        yield f"  {issue.severity}  {_place(issue)}: {issue.message} [{issue.vulnerability or issue.rule}]"
        if issue.rule not in told:
            told.add(issue.rule)
            yield f"      What to do: {issue.check.remedy}"
    if len(shown) > SHOWN_ISSUES:
        yield f"  ... and {len(shown) - SHOWN_ISSUES} more (--json shows all)"
    for item in report.suppressed[:SHOWN_ISSUES]:
        until = f" (until {zulu(item.expires)})" if item.expires else ""
        yield f"  suppressed  {_place(item.issue)}: {item.issue.vulnerability or item.issue.rule}: {item.reason}{until}"
    yield from _compared(report)


def _figures(report: AuditReport) -> str:
    found = dict.fromkeys(reversed(Severity), 0)
    for issue in report.issues:
        found[issue.severity] += 1
    words = ", ".join(f"{count} {severity}" for severity, count in found.items() if count) or "no issues"
    counts = report.counts
    packages = f"{plural(counts['dependencies'], 'package')} asked for, {counts['locked']} locked"
    suppressed = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    return f"{words}{suppressed}; {plural(counts['manifests'], 'manifest')}, {packages}"


def _place(issue: Issue) -> str:
    if not issue.path:
        return "the skill"
    return f"{issue.path}:{issue.line}" if issue.line else issue.path


def _compared(report: AuditReport) -> Iterator[str]:
    for data in report.vulnerability_data:
        age = f", as of {zulu(data.as_of)}" if data.as_of else ""
        records = "" if data.records is None else f", {plural(data.records, 'record')}"
        yield f"  compared {plural(report.counts['compared'], 'version')} with {data.source}{age}{records}"
    for reason in report.not_checked:
        yield f"  NOT CHECKED  {reason}"
