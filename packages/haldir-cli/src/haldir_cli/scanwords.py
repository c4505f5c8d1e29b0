"""What came of a scan, in words for people."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import frozen

from haldir_cli.show import printable
from haldir_scanner import Match, Scanned, ScanReport, Severity, Status, Suppressed, Suppression

SHOWN_FINDINGS = 25
SHOWN_REASONS = 8
SHOWN_STEPS = 10
MAX_COLUMNS = 160

_COLOURS = {
    "pass": "green",
    "flag": "yellow",
    "reject": "red",
    "error": "red",
    "critical": "red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
}


@frozen
class Line:
    """A line of words; ``mark``, with which it begins, may be shown in a colour."""

    mark: str
    rest: str = ""
    colour: str = ""


def describe(scanned: Scanned, least: Severity) -> Iterator[Line]:
    """Yield the lines about one path: the verdict and its reasons, then the findings of at least that severity."""
    if scanned.error is not None:
        yield Line("NO VERDICT", f"  {scanned.path}: {scanned.error}", _COLOURS["error"])
        return
    report = scanned.report
    yield Line(report.status.upper(), f"  {scanned.path}: {_figures(report)}", _COLOURS[report.status])
    yield from _units(scanned)
    if report.status is not Status.PASS:
        yield from _reasons(report)
    shown = [match for match in report.matches if match.severity >= least]
    yield from _findings(shown)
    hidden = len(report.matches) - len(shown)
    if hidden:
        yield Line(f"  {hidden} finding(s) below {least.value} are not shown")
    yield from _suppressed(report.suppressed)


def summarise(scanned: Sequence[Scanned]) -> Iterator[Line]:
    """Yield a line that counts the verdicts, if there are several."""
    if len(scanned) > 1:
        counts = Counter("without verdict" if item.error else item.report.status.value for item in scanned)
        words = ", ".join(f"{counts[word]} {word}" for word in (*Status, "without verdict") if counts[word])
        yield Line(f"{len(scanned)} paths: {words}")


def describe_entries(expired: Sequence[Suppression], unused: Sequence[Suppression]) -> Iterator[Line]:
    """Yield the lines about entries of a baseline that suppress nothing."""
    for entry in expired:
        yield Line("Note:", f" the baseline entry for {entry.text} expired on {entry.expires} and counts no more")
    for entry in unused:
        yield Line(
            "Note:", f" the baseline entry for {entry.text} suppresses nothing; remove it if that is all it was for"
        )


def _figures(report: ScanReport) -> str:
    counts = ", ".join(f"{count} {severity}" for severity, count in report.summary.items() if count)
    found = counts or "no findings"
    suppressed = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    return f"score {report.score}, {found}{suppressed}, {report.files_scanned} file(s)"


def _units(scanned: Scanned) -> Iterator[Line]:
    if len(scanned.units) < 2:
        return
    bad = [unit for unit in scanned.units if unit.report.status is not Status.PASS]
    if not bad:
        yield Line(f"  all {len(scanned.units)} units pass")
        return
    yield Line(f"  {len(bad)} of {len(scanned.units)} units do not pass; the verdict is that of the worst")
    for unit in bad[:SHOWN_FINDINGS]:
        name = unit.prefix or "(files outside of skills)"
        yield Line(
            f"  {unit.report.status.upper()}", f"  {name}: {_figures(unit.report)}", _COLOURS[unit.report.status]
        )
    if len(bad) > SHOWN_FINDINGS:
        yield Line(f"  ... and {len(bad) - SHOWN_FINDINGS} more")


def _reasons(report: ScanReport) -> Iterator[Line]:
    for number, reason in enumerate(report.reasons[:SHOWN_REASONS]):
        yield Line(f"  {'because' if number == 0 else '    and'} {reason.text}")
    if len(report.reasons) > SHOWN_REASONS:
        yield Line(f"    and {len(report.reasons) - SHOWN_REASONS} more")


def _findings(matches: Sequence[Match]) -> Iterator[Line]:
    told: set[str] = set()
    for match in matches[:SHOWN_FINDINGS]:
        yield Line("")
        yield Line(
            f"  {match.severity}",
            f"  {_place(match)}: {match.definition.title} [{match.rule}]",
            _COLOURS[match.severity],
        )
        yield from _excerpt(match)
        yield from _trail(match)
        if match.rule not in told:
            told.add(match.rule)
            yield Line(f"      {match.message}")
            yield Line(f"      What to do: {match.definition.remediation}")
    if len(matches) > SHOWN_FINDINGS:
        yield Line("")
        yield Line(f"  ... and {len(matches) - SHOWN_FINDINGS} more findings (--json shows all)")
    if matches:
        yield Line("")


def _place(match: Match) -> str:
    if not match.line:
        return match.path or "the skill"
    return f"{match.path}:{match.line}:{match.column + 1}"


def _excerpt(match: Match) -> Iterator[Line]:
    """The line of the match, cut to the width of the terminal, and a caret below what matched."""
    begin, end = match.caret
    before, matched, after = (
        printable(part) for part in (match.context[:begin], match.context[begin:end], match.context[end:])
    )
    if not before + matched + after:
        return
    width = min(shutil.get_terminal_size((MAX_COLUMNS, 0)).columns, MAX_COLUMNS) - 8
    matched = matched[: max(width - 12, 20)]
    before = before[-max(width - len(matched) - 10, 0) :] if len(before) + len(matched) > width else before
    yield Line(f"      {(before + matched + after)[: max(width, 20)]}")
    yield Line(f"      {' ' * len(before)}", "^" * max(len(matched), 1))


def _trail(match: Match) -> Iterator[Line]:
    if match.chain:
        yield Line(f"      decoded from {', '.join(match.chain)}")
    if match.detail:
        yield Line(f"      {match.detail}")
    for number, step in enumerate(match.flow[:SHOWN_STEPS], 1):
        yield Line(f"      {number}. line {step.line}: {step.excerpt[:120]}")
    if len(match.flow) > SHOWN_STEPS:
        yield Line(f"      ... and {len(match.flow) - SHOWN_STEPS} more steps")


def _suppressed(items: Sequence[Suppressed]) -> Iterator[Line]:
    for item in items[:SHOWN_FINDINGS]:
        entry = item.entry
        yield Line("  suppressed", f"  {_place(item.match)}: {item.match.rule}: {entry.reason} (until {entry.expires})")
    if len(items) > SHOWN_FINDINGS:
        yield Line(f"  ... and {len(items) - SHOWN_FINDINGS} more suppressed (--json shows all)")
