"""Packages that could not be compared with known vulnerabilities, as they have no version or no data is about them."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._checks._weight import weight
from haldir_auditor._comparison import COMPARABLE, versionless
from haldir_auditor._wanted import LOCAL, Decided
from haldir_auditor._words import listed, plural
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Ecosystem, Locked

CHECK = Check(
    id="not-comparable",
    category="coverage",
    severity=Severity.MEDIUM,
    title="Not compared with known vulnerabilities",
    explanation=(
        "Only a version can be looked up; a range is none, and nobody knows which of its versions will be "
        "installed. There is no data about packages of conda, of the operating system and the like: they are named "
        "too, but weigh low, as does pip that a command brings up to date. Nothing of this is said where no source was "
        "asked at all: the report as a whole then says so."
    ),
    remedy="Commit a lock file: then every package has a version.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield one issue for each file and severity."""
    if not case.compared.was_done and case.compared.not_checked:
        return
    groups: dict[tuple[str, Severity], list[Dependency | Locked]] = {}
    for item in _left_out(case):
        groups.setdefault((item.place.path, _severity(item)), []).append(item)
    for (_, severity), items in groups.items():
        names = list(dict.fromkeys(item.name for item in items))
        verb = "was" if len(names) == 1 else "were"
        message = f"{plural(len(names), 'package')} {verb} not compared with known vulnerabilities: {listed(names)}"
        yield at(CHECK, items[0].place, message, severity)


def _severity(item: Dependency | Locked) -> Severity:
    """Less for what nobody publishes data about: that no version of it can be looked up is no fault of the skill."""
    if isinstance(item, Locked):
        return CHECK.severity
    return weight(item, CHECK.severity) if item.ecosystem in COMPARABLE else Severity.LOW


def _left_out(case: Case) -> Iterator[Dependency | Locked]:
    for wanted in case.wanted:
        is_open = wanted.decided is Decided.BY_NOTHING
        is_unknown = wanted.decided is Decided.BY_MANIFEST and wanted.dependency.ecosystem not in COMPARABLE
        if is_open or is_unknown:
            yield wanted.dependency
    for install in case.supply.installs:
        is_known = (install.ecosystem, install.name) in case.declared or install.ecosystem is Ecosystem.SYSTEM
        if (
            not is_known
            and install.origin not in LOCAL
            and (install.version is None or install.ecosystem not in COMPARABLE)
        ):
            yield install
    yield from versionless(case.supply)
