"""Versions with known vulnerabilities."""

from collections.abc import Iterator

from attrs import evolve

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._comparison import described
from haldir_auditor._words import listed, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.vulnerabilities.interface import Vulnerability

CHECK = Check(
    id="vulnerable",
    category="vulnerability",
    severity=Severity.MEDIUM,
    title="Known vulnerability",
    explanation=(
        "The source of vulnerabilities has a record for exactly this version. The severity is that of the record: "
        "CVSS 4, else CVSS 3, else the word of the database, else medium. What is critical in a package that is "
        "only used for development weighs high, as those who use the skill do not install it."
    ),
    remedy="Update to a version that is named as fixed; if the flaw cannot be reached, say so in a VEX document.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every vulnerability that the source knows of."""
    for package, subject in case.compared.subjects.items():
        for known in case.compared.vulnerabilities.get(package, ()):
            if known.malicious:
                continue
            severity = known.severity
            if subject.development and severity is Severity.CRITICAL:
                severity = Severity.HIGH
            issue = about(CHECK, subject.item, f"{described(package)}: {_what(known)}", severity)
            yield evolve(issue, vulnerability=known.id, aliases=known.aliases, fixed_in=known.fixed)


def _what(known: Vulnerability) -> str:
    fixed = f"; fixed in {listed(known.fixed)}" if known.fixed else "; no fixed version is known"
    return f"{quoted(known.id)}{': ' if known.summary else ''}{quoted(known.summary)}{fixed}"
