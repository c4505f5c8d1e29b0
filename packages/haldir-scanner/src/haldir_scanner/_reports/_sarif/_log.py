"""The SARIF log of a run."""

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haldir_scanner._reports._report import Match
from haldir_scanner._reports._sarif._results import ROOT, Results
from haldir_scanner._reports._sarif._rules import CATALOGUES, descriptor, taxonomies
from haldir_scanner._reports._suppression import Suppression

if TYPE_CHECKING:
    from haldir_scanner._pool import Scanned

MAX_RESULTS = 5_000
"""GitHub shows no more of one run."""

_DISTRIBUTION = "haldir-scanner"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(scanned: Sequence["Scanned"], *, root: Path) -> dict[str, Any]:
    """The SARIF log with one run, for what came of some paths; addresses are relative to the folder ``root``.

    Of more than 5,000 matches the worst are listed, and the others counted.
    """
    found = sorted(_found(scanned), key=lambda item: (-item[0].severity.rank, item[2] is not None))
    listed = found[:MAX_RESULTS]
    rules = {match.rule: match.definition for match, _, _ in listed}
    index = {name: number for number, name in enumerate(sorted(rules))}
    ordered = [rules[name] for name in index]
    results = Results(Path(os.path.realpath(root)), index)
    driver = {
        "name": _DISTRIBUTION,
        "semanticVersion": version(_DISTRIBUTION),
        "shortDescription": {"text": "Static scanner for agent skills and MCP servers"},
        "rules": [descriptor(rule) for rule in ordered],
        "supportedTaxonomies": [
            {"name": catalogue.name, "index": number} for number, catalogue in enumerate(CATALOGUES)
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which the scan was started."}}},
        "taxonomies": taxonomies(ordered),
        "invocations": [_invocation(scanned, len(found) - len(listed))],
        "results": [results.of(*item) for item in listed],
        "properties": {"paths": [_told(item) for item in scanned]},
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _found(scanned: Sequence["Scanned"]) -> Iterator[tuple[Match, Path, Suppression | None]]:
    for item in scanned:
        if item.error is not None:
            continue
        base = Path(os.path.realpath(item.target.base))
        report = item.report
        yield from ((match, base, None) for match in report.matches)
        yield from ((hidden.match, base, hidden.entry) for hidden in report.suppressed)


def _invocation(scanned: Sequence["Scanned"], left_out: int) -> dict[str, Any]:
    notifications = [
        {"level": "error", "message": {"text": _clean(f"{item.path}: {item.error}")}}
        for item in scanned
        if item.error is not None
    ]
    is_complete = not notifications
    if left_out:
        text = f"{left_out} further results are left out; the limit is {MAX_RESULTS}."
        notifications.append({"level": "warning", "message": {"text": text}})
    return {"executionSuccessful": is_complete, "toolExecutionNotifications": notifications}


def _told(item: "Scanned") -> dict[str, Any]:
    if item.error is not None:
        return {"path": _clean(item.path), "status": "error"}
    report = item.report
    return {
        "path": _clean(item.path),
        "status": report.status.value,
        "score": report.score,
        "policy": report.policy.value,
        "bundle": {"version": report.bundle_version, "digest": report.bundle_digest},
    }


def _clean(text: str) -> str:
    """A text without what no document in UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
