"""Downloads that are run at once."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._asked import is_prose
from haldir_auditor._checks._found import about
from haldir_auditor._hosts import is_plain
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Ecosystem, Origin, Scope

CHECK = Check(
    id="download-and-run",
    category="install",
    severity=Severity.HIGH,
    title="Download that is run at once",
    explanation=(
        "`curl ... | sh` and its like: whoever has the address decides what runs, anew each time, and may send "
        "another script to a shell than to a browser. Many honest tools are installed this way, so in prose it "
        "weighs medium; in code, which runs unasked, and without encryption it weighs high."
    ),
    remedy="Ship the script, or download a fixed version and compare its digest before it runs.",
)


def is_download(install: Dependency) -> bool:
    """Whether an install is of this kind rather than of a package."""
    return install.ecosystem is Ecosystem.SYSTEM and install.origin is Origin.URL and install.scope is Scope.INSTALLED


def find(case: Case) -> Iterator[Issue]:
    """Yield every such command once for each file."""
    told = set()
    for install in filter(is_download, case.asked_for):
        locator = install.locator or install.name
        if (locator, install.place.path) in told:
            continue
        told.add((locator, install.place.path))
        is_mild = (is_prose(install.place.path) or install.hashes) and not is_plain(locator)
        severity = Severity.MEDIUM if is_mild else CHECK.severity
        yield about(CHECK, install, f"what {quoted(locator)} sends is run", severity)
