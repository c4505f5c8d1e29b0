"""Manifests in which code decides what is needed."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Place

CHECK = Check(
    id="dynamic-manifest",
    category="coverage",
    severity=Severity.MEDIUM,
    title="Code decides what is installed",
    explanation=(
        "A part of what this file asks for is computed when it is run (setup.py, dynamic fields). Nothing is run "
        "to audit it, so that part was not audited."
    ),
    remedy="Declare the dependencies as data, in pyproject.toml.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every manifest that says so."""
    for manifest in case.supply.manifests:
        if manifest.dynamic:
            yield at(CHECK, Place(manifest.path), "code decides about a part of what this file asks for")
