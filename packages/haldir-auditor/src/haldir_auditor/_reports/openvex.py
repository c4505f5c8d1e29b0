"""What is known about the vulnerabilities of a skill, as an OpenVEX document.

Spec: OpenVEX 0.2.0.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime

from haldir_auditor._purl import to_purl
from haldir_auditor._reports.moments import zulu
from haldir_auditor._reports.texts import clean
from haldir_auditor._reports.wire import JsonObject, JsonValue
from haldir_auditor.issues import AuditReport, Issue, Suppressed
from haldir_auditor.vex import CONTEXT, VexStatus

_COMPARED = frozenset({"vulnerable", "malicious"})


def to_openvex(report: AuditReport, *, now: datetime, author: str = "haldir-auditor") -> JsonObject:
    """The statements about every vulnerability that was found, or set apart; the id is made of their content."""
    statements: list[JsonValue] = [_statement(issue, None) for issue in _compared(report)]
    statements += [_statement(item.issue, item) for item in report.suppressed if item.issue.rule in _COMPARED]
    content = json.dumps([author, zulu(now), statements], sort_keys=True).encode()
    return {
        "@context": CONTEXT,
        "@id": f"urn:haldir:vex:{hashlib.sha256(content).hexdigest()}",
        "author": clean(author),
        "timestamp": zulu(now),
        "version": 1,
        "statements": statements,
    }


def _compared(report: AuditReport) -> Iterator[Issue]:
    yield from (issue for issue in report.issues if issue.rule in _COMPARED)


def _statement(issue: Issue, item: Suppressed | None) -> JsonObject:
    package = issue.dependency
    products: list[JsonValue] = []
    if package is not None:
        products.append({"@id": to_purl(package.ecosystem, package.name, package.version)})
    aliases: list[JsonValue] = [clean(alias) for alias in issue.aliases]
    vulnerability: JsonObject = {"name": clean(issue.vulnerability or issue.rule)}
    if aliases:
        vulnerability["aliases"] = aliases
    return {"vulnerability": vulnerability, "products": products, **_status(issue, item)}


def _status(issue: Issue, item: Suppressed | None) -> JsonObject:
    if item is not None and item.vex == VexStatus.FIXED:
        return {"status": VexStatus.FIXED.value}
    if item is not None and item.vex == VexStatus.NOT_AFFECTED and item.justification:
        return {"status": VexStatus.NOT_AFFECTED.value, "justification": item.justification}
    if item is not None:
        return {"status": VexStatus.AFFECTED.value, "action_statement": clean(f"Accepted: {item.reason}")}
    if issue.rule == "malicious":
        return {"status": VexStatus.AFFECTED.value, "action_statement": issue.check.remedy}
    if issue.fixed_in:
        action = f"Update to {clean(', '.join(issue.fixed_in))}."
        return {"status": VexStatus.AFFECTED.value, "action_statement": action}
    return {"status": VexStatus.UNDER_INVESTIGATION.value}
