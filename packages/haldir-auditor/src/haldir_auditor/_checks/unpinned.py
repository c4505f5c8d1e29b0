"""Dependencies whose version nothing decides."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._checks._weight import weight
from haldir_auditor._fits import is_anything
from haldir_auditor._wanted import REMOTE, Decided, Wanted
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Scope

CHECK = Check(
    id="unpinned",
    category="pinning",
    severity=Severity.HIGH,
    title="Dependency without a fixed version",
    explanation=(
        "A range says which versions may be installed, not which one is. What is installed tomorrow is not what "
        "was audited today. A version counts as fixed if the manifest names exactly one, or a lock file of the "
        "same manifest does. Development and peer dependencies weigh medium; well-known build "
        "backends, and what an environment of conda begins with (python, pip), weigh low."
    ),
    remedy="Commit a lock file, or write the exact version.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield what nothing fixes, but for what has a check of its own."""
    for wanted in case.wanted:
        dependency = wanted.dependency
        if is_open(wanted) and not is_anything(dependency.ecosystem, dependency.range):
            message = f"{named(dependency)} is not pinned: no exact version, and no lock file that has one"
            yield about(CHECK, dependency, message, weight(dependency, CHECK.severity))


def is_open(wanted: Wanted) -> bool:
    """Whether nothing decides about the version, and no other check says so."""
    dependency = wanted.dependency
    is_left = wanted.decided is Decided.BY_NOTHING and dependency.origin not in REMOTE
    return is_left and dependency.scope is not Scope.SCRIPT
