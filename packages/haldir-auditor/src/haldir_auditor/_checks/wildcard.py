"""Dependencies for which any version will do."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._checks._weight import weight
from haldir_auditor._checks.unpinned import is_open
from haldir_auditor._fits import is_anything
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="wildcard",
    category="pinning",
    severity=Severity.HIGH,
    title="Any version will do",
    explanation=(
        "Nothing, a star, >=0, or a name such as latest that the registry can move: whoever can publish the "
        "package decides what runs. It is not reported where a lock file decides instead. Development and peer "
        "dependencies weigh medium; well-known build backends, packages of the operating system, official images, "
        "and what an environment of conda begins with (python, pip) weigh low; other images, gems and the like medium."
    ),
    remedy="Commit a lock file, or write the exact version.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield what has no bound at all and is in no lock file."""
    for wanted in case.wanted:
        dependency = wanted.dependency
        if is_open(wanted) and is_anything(dependency.ecosystem, dependency.range):
            message = f"{named(dependency)}: any version will do, and no lock file decides which"
            yield about(CHECK, dependency, message, weight(dependency, CHECK.severity))
