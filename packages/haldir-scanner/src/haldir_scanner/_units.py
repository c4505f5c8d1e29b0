"""The skills of a repository, each of which is scanned by itself."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from attrs import evolve, frozen

from haldir_scanner._files._budget import Budget
from haldir_scanner._files._folder import folder_name, read_below, read_path
from haldir_scanner._files._part import EVERYTHING, Part
from haldir_scanner._files._views import escaped
from haldir_scanner._limits import Limits
from haldir_scanner._reports._report import ScanReport
from haldir_scanner._rules._bundle import RuleBundle
from haldir_scanner._rules._scoring import Policy, Verdict
from haldir_scanner._severity import Status

MAX_ENTRIES = 500_000
"""Files and folders among which skills are looked for; in a larger folder there are none, it is one."""

_SKILL_FILE = "skill.md"
_RANKS = {Status.PASS: 0, Status.FLAG: 1, Status.REJECT: 2}


@frozen
class Unit:
    """What is scanned at once: a folder or file, or part of it.

    Attributes:
        path: of the folder or file.
        prefix: the same relative to what the caller named; empty if it is that.
        part: of the folder.
    """

    path: Path
    prefix: str = ""
    part: Part = EVERYTHING


@frozen
class Target:
    """What a caller names, and what is scanned for it.

    Attributes:
        path: as the caller wrote it.
        units: each is scanned by itself; the verdict is that of the worst.
    """

    path: str
    units: tuple[Unit, ...]

    @classmethod
    def of(cls, path: Path | str) -> Self:
        """A skill or a file, which is one unit; or a folder with several skills, each of which is one.

        A folder is a skill if it holds a ``SKILL.md``, and everything below it is part of it. What lies outside all
        skills of a folder is one more unit, so that every file is scanned.
        """
        folder = Path(path)
        skills = find_skills(folder)
        if len(skills) < 2 or "" in skills:
            return cls(os.fspath(path), (Unit(folder),))
        rest = Unit(folder, "", Part(without=frozenset(skills)))
        return cls(os.fspath(path), (*(Unit(folder / prefix, prefix) for prefix in skills), rest))

    @property
    def base(self) -> Path:
        """The folder to which the paths of the matches are relative."""
        path = Path(self.path)
        return path if path.is_dir() else path.parent


@frozen(kw_only=True)
class UnitReport:
    """The report about one unit; its paths are relative to what the caller named."""

    prefix: str
    report: ScanReport


def find_skills(folder: Path) -> tuple[str, ...]:
    """The outermost skills of a folder, sorted, relative to it; the folder itself is ``""``.

    What cannot be read is left for the scan to report.
    """
    found: list[str] = []
    waiting, seen = [""], 0
    while waiting:
        prefix = waiting.pop()
        below = list(_entries(folder / prefix))
        seen += len(below)
        if seen > MAX_ENTRIES:
            return ()
        if any(entry.name.lower() == _SKILL_FILE and entry.is_file(follow_symlinks=False) for entry in below):
            found.append(prefix)
            continue
        folders = (entry.name for entry in below if entry.is_dir(follow_symlinks=False))
        waiting += [f"{prefix}/{name}" if prefix else name for name in folders]
    return tuple(sorted(found))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def scan_unit(unit: Unit, limits: Limits, bundle: RuleBundle | None, policy: Policy) -> UnitReport:
    """The report about one unit.

    Raises: as ``scan``.
    """
    from haldir_scanner._skill import Skill  # noqa: PLC0415 - the engine is loaded when something is scanned

    skill = Skill.with_rules(
        bundle, limits, policy, lambda name: read_below(unit.path, name, limits.max_file_bytes), _skill_name(unit)
    )
    report = skill.report(read_path(unit.path, Budget(limits), unit.part))
    if not unit.prefix:
        return UnitReport(prefix="", report=report)
    prefix = escaped(unit.prefix)
    moved = tuple(evolve(match, path=f"{prefix}/{match.path}" if match.path else prefix) for match in report.matches)
    return UnitReport(prefix=unit.prefix, report=evolve(report, matches=moved))


def _skill_name(unit: Unit) -> str:
    """The name of the folder, if it is meant to be a skill; empty for a file, and for what lies outside of skills."""
    is_skill = unit.part == EVERYTHING or any(entry.name.lower() == _SKILL_FILE for entry in _entries(unit.path))
    return folder_name(unit.path) if is_skill else ""


def merged(units: Sequence[UnitReport]) -> ScanReport:
    """The report about all units together: their matches, and the verdict, score and reasons of the worst."""
    reports = [unit.report for unit in units]
    worst = max(reports, key=lambda report: (_RANKS[report.status], report.score))
    if len(reports) == 1:
        return worst
    together = ScanReport.of(
        (match for report in reports for match in report.matches),
        Verdict(status=worst.status, score=worst.score, reasons=worst.reasons),
        files_scanned=sum(report.files_scanned for report in reports),
        bytes_scanned=sum(report.bytes_scanned for report in reports),
        patterns_checked=worst.patterns_checked,
        policy=worst.policy,
        bundle_version=worst.bundle_version,
        bundle_digest=worst.bundle_digest,
    )
    return evolve(together, suppressed=tuple(item for report in reports for item in report.suppressed))
