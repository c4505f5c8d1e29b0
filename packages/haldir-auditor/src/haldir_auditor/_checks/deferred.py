"""Dependencies of a script that are chosen when it runs (PEP 723)."""

from collections.abc import Iterator
from datetime import UTC, datetime

from haldir_auditor._case import Case
from haldir_auditor._checks._asked import is_prose
from haldir_auditor._checks._found import about, at
from haldir_auditor._wanted import REMOTE, Decided, Wanted
from haldir_auditor._words import listed, named
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Manifest, Place, Scope

CHECK = Check(
    id="deferred-dependencies",
    category="pinning",
    severity=Severity.CRITICAL,
    title="Inline dependencies that are chosen when the script runs",
    explanation=(
        "A script with a PEP 723 block is given its packages anew whenever it runs: an attacker can publish the "
        "bad version after the audit (deferred dependency attack). Without a fixed version this is critical; high "
        "if exclude-newer keeps newer uploads away; medium if the versions are fixed, for what they need in turn "
        "is not. In a document, where it is an example, it weighs medium or low. A lock file of the script "
        "(script.py.lock) settles all of it."
    ),
    remedy="Run `uv lock --script FILE` and ship the lock file, or write exact versions into the block.",
    references=("https://peps.python.org/pep-0723/",),
)


def find(case: Case) -> Iterator[Issue]:
    """Yield the open dependencies of every block, and the blocks whose direct dependencies alone are fixed."""
    by_manifest: dict[str, list[Wanted]] = {}
    for wanted in case.wanted:
        if wanted.dependency.scope is Scope.SCRIPT and wanted.dependency.origin not in REMOTE:
            by_manifest.setdefault(wanted.manifest.path, []).append(wanted)
    for several in by_manifest.values():
        yield from _in_block(case, several)


def _in_block(case: Case, several: list[Wanted]) -> Iterator[Issue]:
    manifest = several[0].manifest
    still_open = [wanted.dependency for wanted in several if wanted.decided is Decided.BY_NOTHING]
    severity = Severity.HIGH if _is_past(manifest.exclude_newer, case.now) else CHECK.severity
    if is_prose(manifest.path):
        severity = Severity.MEDIUM
    for dependency in still_open:
        message = f"{named(dependency)} is chosen anew whenever the script runs, and nothing fixes its version"
        yield about(CHECK, dependency, message, severity)
    fixed = [wanted.dependency.name for wanted in several if wanted.decided is Decided.BY_MANIFEST]
    if fixed and not still_open and not case.coverage.of(manifest):
        message = f"the script fixes {listed(fixed)}, but not what these need in turn: that is chosen whenever it runs"
        yield at(CHECK, _place(manifest), message, Severity.LOW if is_prose(manifest.path) else Severity.MEDIUM)


def _is_past(written: str | None, now: datetime) -> bool:
    """Whether a date keeps all later uploads away; one that is yet to come, or only a distance, does not."""
    try:
        moment = datetime.fromisoformat((written or "").strip())
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now


def _place(manifest: Manifest) -> Place:
    return manifest.dependencies[0].place
