"""Python packages that are built, and so run, when they are installed."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="source-only",
    category="install",
    severity=Severity.LOW,
    title="A package is built when it is installed",
    explanation=(
        "The lock file has a source archive of the package and no wheel. To install it, its own build code is run, "
        "which is what an install hook is elsewhere; and what the build needs is locked by nothing."
    ),
    remedy="Prefer a version with wheels; build in a place without secrets.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every locked package without a wheel."""
    for _, package in case.locked():
        if package.source_only:
            yield about(CHECK, package, f"{named(package)} has no wheel: its code runs when it is installed")
