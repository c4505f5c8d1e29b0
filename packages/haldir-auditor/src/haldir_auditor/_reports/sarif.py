"""The SARIF 2.1.0 form of a report, as code scanning services read it.

Source: OASIS SARIF 2.1.0; GitHub's page "SARIF support for code scanning" for what that service reads and its limits.
"""

import os
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from attrs import define, field

from haldir_auditor._reports.fingerprint import fingerprint
from haldir_auditor._reports.moments import zulu
from haldir_auditor._reports.texts import clean
from haldir_auditor._reports.wire import JsonObject, JsonValue
from haldir_auditor.issues import AuditReport, Check, Issue, Severity, Suppressed

MAX_RESULTS = 5_000
"""GitHub shows no more of one run."""

_DISTRIBUTION = "haldir-auditor"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
# GitHub: above 9.0 is critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, below it low.
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
# RFC 3986 2.3, and the slash between folders.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def to_sarif(report: AuditReport, *, skill: Path, root: Path) -> JsonObject:
    """The SARIF log with one run, about the folder ``skill``; addresses are relative to the folder ``root``."""
    rows: list[tuple[Issue, Suppressed | None]] = [(issue, None) for issue in report.issues]
    rows += [(item.issue, item) for item in report.suppressed]
    listed = rows[:MAX_RESULTS]
    checks = sorted({issue.check for issue, _ in listed}, key=lambda check: check.id)
    index = {check.id: number for number, check in enumerate(checks)}
    results = _Results(Path(os.path.realpath(skill)), Path(os.path.realpath(root)), index)
    driver: JsonObject = {
        "name": _DISTRIBUTION,
        "semanticVersion": version(_DISTRIBUTION),
        "shortDescription": {"text": "Dependency audit of agent skills and MCP servers"},
        "rules": [_descriptor(check) for check in checks],
    }
    run: JsonObject = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which the audit was started."}}},
        "invocations": [_invocation(report, len(rows) - len(listed))],
        "results": [results.of(issue, item) for issue, item in listed],
        "properties": {"status": report.status.value, "complete": report.complete},
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _descriptor(check: Check) -> JsonObject:
    return {
        "id": check.id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.explanation},
        "help": {"text": "\n\n".join((check.explanation, f"What to do: {check.remedy}", *check.references))},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": {
            "tags": ["security", check.category],
            "security-severity": _SECURITY_SEVERITY[check.severity],
        },
    }


def _invocation(report: AuditReport, left_out: int) -> JsonObject:
    told = [f"Not checked: {reason}" for reason in report.not_checked]
    if left_out:
        told.append(f"{left_out} further results are left out; the limit is {MAX_RESULTS}.")
    notifications: list[JsonValue] = [{"level": "warning", "message": {"text": clean(text)}} for text in told]
    return {"executionSuccessful": report.complete, "toolExecutionNotifications": notifications}


@define
class _Results:
    """Makes results, and counts how often each fingerprint was met, because it is to be there only once."""

    skill: Path
    root: Path
    index: dict[str, int]
    _met: Counter[str] = field(init=False, factory=Counter)

    def of(self, issue: Issue, item: Suppressed | None) -> JsonObject:
        mark = fingerprint(issue)
        self._met[mark] += 1
        properties: JsonObject = {"security-severity": _SECURITY_SEVERITY[issue.severity]}
        if issue.vulnerability:
            properties["vulnerability"] = issue.vulnerability
            properties["aliases"] = _texts(issue.aliases)
            properties["fixedIn"] = _texts(issue.fixed_in)
        return {
            "ruleId": issue.rule,
            "ruleIndex": self.index[issue.rule],
            "level": _LEVELS[issue.severity],
            "message": {"text": _plain(issue.message)},
            "locations": [self._location(issue)],
            "partialFingerprints": {"haldirIssue/v1": f"{mark}:{self._met[mark]}"},
            "suppressions": [] if item is None else [_suppression(item)],
            "properties": properties,
        }

    def _location(self, issue: Issue) -> JsonObject:
        file = self.skill / (issue.path or "SKILL.md")
        region: JsonObject = {"startLine": max(issue.line, 1)}
        if file.is_relative_to(self.root):
            relative = _encoded(file.relative_to(self.root).as_posix())
            artifact: JsonObject = {"uri": relative, "uriBaseId": _ROOT}
        else:
            artifact = {"uri": f"file://{_encoded(file.as_posix())}"}
        return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _suppression(item: Suppressed) -> JsonObject:
    form: JsonObject = {"kind": "external", "status": "accepted", "justification": clean(item.reason)}
    return form | ({"properties": {"expires": zulu(item.expires)}} if item.expires else {})


def _texts(values: Iterable[str]) -> list[JsonValue]:
    return [clean(value) for value in values]


def _plain(text: str) -> str:
    """A text of the audited files that no reader takes for a link.  Spec: SARIF 3.11.6."""
    return clean(text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]"))


def _encoded(path: str) -> str:
    """A path as part of an address.  Spec: RFC 3986 2.1."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode("utf-8", "backslashreplace"))
