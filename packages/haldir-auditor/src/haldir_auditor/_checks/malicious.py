"""Versions that are known to be malicious."""

from collections.abc import Iterator

from attrs import evolve

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._comparison import described
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="malicious",
    category="vulnerability",
    severity=Severity.CRITICAL,
    title="The package is malware",
    explanation=(
        "The source of vulnerabilities has a record for this version that says it was made to do harm (ids that "
        "begin with MAL-). Always critical, wherever the package is used. No VEX statement takes it away, only an "
        "ignore."
    ),
    remedy="Remove it, and treat every machine that has installed it as broken into.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every record about malware that the source has."""
    for package, subject in case.compared.subjects.items():
        for known in case.compared.vulnerabilities.get(package, ()):
            if known.malicious:
                message = f"{described(package)} is malicious: {quoted(known.summary or known.id)}"
                issue = about(CHECK, subject.item, message, Severity.CRITICAL)
                yield evolve(issue, vulnerability=known.id, aliases=known.aliases)
