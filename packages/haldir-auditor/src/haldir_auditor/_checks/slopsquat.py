"""Names in prose that are in no list."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._names import LISTED, names_of
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Origin

CHECK = Check(
    id="slopsquat",
    category="names",
    severity=Severity.LOW,
    title="Name that no list has",
    explanation=(
        "Language models invent package names, and attackers register what models invent. This name stands in "
        "prose or in a command, no manifest declares it, and our lists of about 1,900 well-known names do not have "
        "it. That is all that is known: most such packages are honest and just less known, so this never changes "
        "the verdict."
    ),
    remedy="Look at whether the package exists and is the one that is meant; declare it in a manifest.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every such name once."""
    told = set()
    own = {manifest.package_name for manifest in case.supply.manifests}
    for item in (*case.supply.installs, *case.supply.mentions):
        key = (item.ecosystem, item.name)
        if item.ecosystem not in LISTED or item.origin is not Origin.INDEX or key in told or key in case.declared:
            continue
        told.add(key)
        if item.name not in own and not names_of(item.ecosystem).is_known(item.name):
            message = f"{quoted(item.name)} is in no list of well-known {item.ecosystem} names; more is not known"
            yield about(CHECK, item, message)
