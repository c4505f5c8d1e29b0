"""Versions that were withdrawn."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.vulnerabilities.interface import Package

CHECK = Check(
    id="yanked",
    category="vulnerability",
    severity=Severity.MEDIUM,
    title="The version was withdrawn",
    explanation=(
        "Its makers, or the index, have withdrawn this version: it is broken, or something is wrong with it. That "
        "it is known of comes from the lock file or from the source of vulnerabilities."
    ),
    remedy="Update to a version that was not withdrawn.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every version that a lock file or the source marks so."""
    told = set()
    for _, package in case.locked():
        if package.yanked:
            told.add(Package(package.ecosystem, package.name, package.version))
            yield about(CHECK, package, f"{named(package)} was withdrawn")
    for known, subject in case.compared.subjects.items():
        if known in case.compared.yanked and known not in told:
            yield about(CHECK, subject.item, f"{named(subject.item)} was withdrawn")
