"""The audit of a skill: read, compare with known vulnerabilities, check, and judge."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from attrs import evolve, frozen

from haldir_auditor._case import Case
from haldir_auditor._checks import CHECKS
from haldir_auditor._comparison import Compared, compare
from haldir_auditor._wanted import LOCAL, cover, examine
from haldir_auditor.files import read_files
from haldir_auditor.issues import AuditReport, Issue, Severity, Status, Suppressed
from haldir_auditor.reading import never, read_supply
from haldir_auditor.settings import Settings
from haldir_auditor.supply import Dependency, Manifest, Place, Problem, Supply
from haldir_auditor.vulnerabilities.interface import VulnerabilitySource

MAX_DEPENDENCIES = 20_000
"""How many dependencies of manifests are looked at, which takes seconds; no honest skill comes near."""

_DEFAULTS = Settings()


def audit(
    skill: Path,
    *,
    source: VulnerabilitySource | None = None,
    settings: Settings = _DEFAULTS,
    now: datetime,
    is_time_over: Callable[[], bool] = never,
) -> AuditReport:
    """What the folder ``skill`` takes from elsewhere, and what is wrong with it; nothing is run and nothing fetched.

    ``source`` is asked for known vulnerabilities; without one, the report says that nothing was compared.
    ``is_time_over`` is asked before each file; what is left then is a problem of the report, which prevents a pass.

    Raises:
        OSError: if the folder itself cannot be read.
    """
    found = read_files(skill)
    supply = read_supply(found.files, is_time_over=is_time_over)
    supply = evolve(supply, problems=(*found.problems, *supply.problems))
    return audit_supply(supply, source=source, settings=settings, now=now)


def audit_files(
    files: Mapping[str, bytes],
    *,
    problems: Iterable[Problem] = (),
    source: VulnerabilitySource | None = None,
    settings: Settings = _DEFAULTS,
    now: datetime,
) -> AuditReport:
    """The same for files by their path relative to the skill; ``problems`` are those met when they were read."""
    supply = read_supply(files)
    supply = evolve(supply, problems=(*problems, *supply.problems))
    return audit_supply(supply, source=source, settings=settings, now=now)


def audit_supply(
    supply: Supply, *, source: VulnerabilitySource | None = None, settings: Settings = _DEFAULTS, now: datetime
) -> AuditReport:
    """The same for what was read already."""
    supply = _bounded(supply)
    coverage = cover(supply)
    wanted = examine(supply, coverage)
    compared = compare(supply, wanted, source, settings.comparison)
    case = Case(supply, coverage, wanted, compared, settings, now)
    sorted_out = _sort_out((_moderated(issue) for _, find in CHECKS for issue in find(case)), settings, now)
    return AuditReport(
        status=judge(sorted_out.issues),
        issues=sorted_out.issues,
        supply=supply,
        suppressed=sorted_out.suppressed,
        vulnerability_data=compared.data,
        not_checked=compared.not_checked,
        counts=_counts(case, compared),
    )


def _bounded(supply: Supply) -> Supply:
    """The supply with no more dependencies than are looked at; the rest is a problem, which prevents a pass."""
    room = MAX_DEPENDENCIES
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for manifest in supply.manifests:
        kept = manifest.dependencies[:room]
        if len(kept) < len(manifest.dependencies):
            message = f"more than {MAX_DEPENDENCIES} dependencies in all: the rest is not looked at"
            problems.append(Problem("too-large", message, Place(manifest.path)))
        manifests.append(evolve(manifest, dependencies=kept))
        room -= len(kept)
    return evolve(supply, manifests=tuple(manifests), problems=(*supply.problems, *problems)) if problems else supply


def judge(issues: Iterable[Issue]) -> Status:
    """The verdict: anything critical rejects; anything high or medium flags."""
    worst = max((issue.severity.rank for issue in issues), default=0)
    if worst >= Severity.CRITICAL.rank:
        return Status.REJECT
    return Status.FLAG if worst >= Severity.MEDIUM.rank else Status.PASS


def _moderated(issue: Issue) -> Issue:
    """The issue; medium at most if it is about a command in plain data, but for what is known to be bad."""
    is_data = isinstance(issue.dependency, Dependency) and issue.dependency.is_data
    if is_data and issue.check.category != "vulnerability" and issue.severity.rank > Severity.MEDIUM.rank:
        return evolve(issue, severity=Severity.MEDIUM)
    return issue


@frozen
class _Sorted:
    issues: tuple[Issue, ...]
    suppressed: tuple[Suppressed, ...]


def _sort_out(issues: Iterable[Issue], settings: Settings, now: datetime) -> _Sorted:
    """Set apart what somebody has accepted or found out about; the worst first, then by place."""
    live: list[Issue] = []
    suppressed: list[Suppressed] = []
    for issue in sorted(dict.fromkeys(issues), key=_order):
        reason = _suppressed(issue, settings, now)
        if reason is None:
            live.append(issue)
        else:
            suppressed.append(reason)
    return _Sorted(tuple(live), tuple(suppressed))


def _order(issue: Issue) -> tuple[int, str, int, str, str]:
    return -issue.severity.rank, issue.path, issue.line, issue.rule, issue.message


def _suppressed(issue: Issue, settings: Settings, now: datetime) -> Suppressed | None:
    entry = settings.ignores.entry_for(issue, now)
    if entry is not None:
        return Suppressed(issue, entry.reason, entry.end)
    statement = None if issue.rule == "malicious" else settings.vex.statement_for(issue)
    if statement is None or not statement.settles:
        return None
    why = f"VEX: {statement.status}{f' ({statement.justification})' if statement.justification else ''}"
    return Suppressed(issue, why, None, statement.status, statement.justification or None)


def _counts(case: Case, compared: Compared) -> dict[str, int]:
    supply = case.supply
    fetched = {
        (package.ecosystem, package.name, package.version)
        for _, package in case.locked()
        if package.origin not in LOCAL
    }
    return {
        "manifests": len(supply.manifests),
        "locks": len(supply.locks),
        "dependencies": len({(wanted.dependency.ecosystem, wanted.dependency.name) for wanted in case.wanted}),
        "locked": len(fetched),
        "installs": len(supply.installs),
        "depth": max((lock.depth for lock in supply.locks), default=0),
        "compared": len(compared.subjects) if compared.was_done else 0,
    }
