"""Packages that are used under the name of another one."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._names import LISTED, names_of
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem

CHECK = Check(
    id="alias",
    category="names",
    severity=Severity.HIGH,
    title="One package under the name of another",
    explanation=(
        "npm can install one package under the name of another (name: npm:other). Reported is a package that is in "
        "no list of well-known names and takes the name of one that is: who reads the code believes to see that "
        "one. Aliases among well-known packages, and those of names that nobody knows, are usual and not reported. "
        "A go.mod or go.work that replaces a module by another one weighs medium."
    ),
    remedy="Use the package under its own name.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every unknown package under a well-known name."""
    told = set()
    for item in case.everything:
        if item.ecosystem is Ecosystem.GO and item.alias is not None and (item.alias, item.name) not in told:
            told.add((item.alias, item.name))
            message = f"what is imported as {quoted(item.alias)} is {quoted(item.name)}"
            yield about(CHECK, item, message, Severity.MEDIUM)
        if item.alias is None or item.ecosystem not in LISTED or (item.alias, item.name) in told:
            continue
        told.add((item.alias, item.name))
        names = names_of(item.ecosystem)
        if item.alias in names.known and not names.is_known(item.name):
            yield about(CHECK, item, f"what is used as {quoted(item.alias)} is {quoted(item.name)}")
