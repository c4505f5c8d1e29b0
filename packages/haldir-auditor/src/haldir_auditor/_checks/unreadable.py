"""Files that should say what is installed, and cannot be read."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._words import sentence
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import INSECURE, Place

CHECK = Check(
    id="unreadable",
    category="coverage",
    severity=Severity.HIGH,
    title="A manifest or lock file cannot be read",
    explanation=(
        "What could not be read was not audited, and never counts as clean: a manifest that does not parse, a lock "
        "file in a binary form, a file that is too large, an include that is missing or lies outside of the skill."
    ),
    remedy="Repair the file; use a lock file in text form (bun.lock instead of bun.lockb).",
)

_SEVERITIES = {
    "unparsable": Severity.HIGH,
    "outside": Severity.HIGH,
    "opaque": Severity.MEDIUM,
    "too-large": Severity.MEDIUM,
    "missing-include": Severity.MEDIUM,
}
"""Each prevents a pass."""


def find(case: Case) -> Iterator[Issue]:
    """Yield every problem of the readers, and every opaque lock file that none is about."""
    for problem in case.supply.problems:
        if problem.kind == INSECURE:
            continue
        yield at(CHECK, problem.place, sentence(problem.message), _SEVERITIES.get(problem.kind, CHECK.severity))
    told = {problem.place.path for problem in case.supply.problems}
    for lock in case.supply.locks:
        if lock.opaque and lock.path not in told:
            yield at(CHECK, Place(lock.path), "this lock file cannot be read: its form is binary", Severity.MEDIUM)
