"""Commands that install something which no manifest declares."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._asked import is_prose
from haldir_auditor._checks._found import about
from haldir_auditor._checks._weight import is_base, outside_weight
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import ACTION, IMAGE, Dependency, Ecosystem, Origin

CHECK = Check(
    id="undeclared-install",
    category="install",
    severity=Severity.MEDIUM,
    title="Installed by a command, declared nowhere",
    explanation=(
        "Prose tells the agent to install something (pip install, npx, uvx, ...), or code does so when it runs. "
        "What comes is decided at that moment, and no lock file covers it. Without a version, in code, it weighs "
        "high: that runs unasked. Packages of the operating system weigh low; those of other managers (gem, composer, "
        "dotnet, ...) medium. Images of containers and steps of workflows weigh medium, unless a digest or a commit "
        "fixes them, or they are official ones with a tag: low. So do pip, setuptools and wheel that are brought up to "
        "date, and what a manifest declares, if the command names no version; the declared version with its number is "
        "not reported."
    ),
    remedy="Declare it in a manifest with a lock file, and let the command install from that.",
)


_OTHERWISE = "by another way than the manifest does"
_FETCHED = {IMAGE: "the image {} is fetched", ACTION: "the action {} is fetched and run"}


def find(case: Case) -> Iterator[Issue]:
    """Yield every package of every file once."""
    told = set()
    for install in case.supply.installs:
        key = (install.ecosystem, install.name, install.version, install.place.path)
        if install.origin is not Origin.INDEX or key in told:
            continue
        told.add(key)
        is_declared = (install.ecosystem, install.name) in case.declared
        if is_declared and install.version is not None:
            continue
        message = _message(install) if not is_declared else f"a command installs {named(install)}, {_OTHERWISE}"
        yield about(CHECK, install, message, Severity.LOW if is_declared else _severity(install))


def _message(install: Dependency) -> str:
    if words := _FETCHED.get(install.manager):
        fixed = "" if install.version else f", and no {'commit' if install.manager == ACTION else 'digest'} fixes it"
        return f"{words.format(named(install))}{fixed}"
    return f"a command installs {named(install)}, which is in no manifest"


def _severity(install: Dependency) -> Severity:
    if install.ecosystem is Ecosystem.SYSTEM:
        return outside_weight(install)
    if is_base(install):
        return Severity.LOW
    is_open = install.version is None
    return Severity.HIGH if is_open and not is_prose(install.place.path) else CHECK.severity
