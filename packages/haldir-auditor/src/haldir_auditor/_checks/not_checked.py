"""What was not compared with known vulnerabilities, for a reason that is not in the skill."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._words import sentence
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Place

CHECK = Check(
    id="not-checked",
    category="coverage",
    severity=Severity.LOW,
    title="The audit is not complete",
    explanation=(
        "No source of vulnerabilities was given, it could not be asked, or it had no answer about some packages. "
        "That is no fault of the skill, so it does not change the verdict; but the audit is not complete, which "
        "the report says and the exit code 3 tells. It is never the same as clean."
    ),
    remedy="Import advisories (haldir advisories import), or name a service (--osv-url).",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield one issue for each reason."""
    for reason in case.compared.not_checked:
        yield at(CHECK, Place(""), f"not checked: {sentence(reason)}")
