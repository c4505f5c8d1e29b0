"""The layers of the vetting, in order: one table."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen

import haldir_scanner
from haldir_core import LayerReport, Status
from haldir_core.report import MAX_DURATION_MS
from haldir_pipeline.findings import Found, summarise, to_findings


@frozen
class Verdict:
    """What a layer says: its status and what it found."""

    status: Status
    found: tuple[Found, ...]


@frozen
class Layer:
    """One layer: its name in reports, and how it judges a private copy of a skill."""

    name: str
    judge: Callable[[Path], Verdict]

    def run(self, skill: Path, number: int, clock: Callable[[], datetime]) -> LayerReport:
        """Return the report of this layer on the files below ``skill``."""
        started = clock()
        verdict = self.judge(skill)
        elapsed_ms = max((clock() - started) / timedelta(milliseconds=1), 0.0)
        return LayerReport(
            layer=number,
            name=self.name,
            status=verdict.status,
            findings=to_findings(verdict.found),
            duration_ms=round(min(elapsed_ms, MAX_DURATION_MS), 3),
            summary=summarise(verdict.found),
        )


def scan(skill: Path) -> Verdict:
    """Judge by the static scanner."""
    report = haldir_scanner.scan(skill)
    return Verdict(Status(report.status.value), tuple(report.matches))


LAYERS = (Layer("static_analysis", scan),)
