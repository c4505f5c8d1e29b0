"""Packages of a lock file whose URL is that of another package."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from haldir_auditor._archives import other_python
from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._hosts import host_of, is_public
from haldir_auditor._words import named, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem, Locked, Origin

CHECK = Check(
    id="resolved-mismatch",
    category="source",
    severity=Severity.HIGH,
    title="The URL is that of another package",
    explanation=(
        "A lock file says both what a package is called and where it is fetched from, and clients believe the URL. "
        "One that was changed by hand can install another package, from the usual host and with a hash that fits, "
        "under a trusted name. URLs in the form of npm's registries (the public ones have no other), and file names "
        "of Python archives, are compared."
    ),
    remedy="Make the lock file anew, and look at who changed it.",
)

_NPM = re.compile(
    r"(?P<before>.*?)/(?P<name>(?:@[^/]{1,214}/)?[^/]{1,214})/-/(?:@[^/]{1,214}/)?(?P<file>[^/]{1,400})\.tgz",
    re.IGNORECASE | re.DOTALL,
)
_MAX_URL = 4_000


def find(case: Case) -> Iterator[Issue]:
    """Yield every package with such a URL."""
    for _, package in case.locked():
        other = _other(package) if package.origin is Origin.INDEX and package.resolved else None
        if other is not None:
            yield about(CHECK, package, f"{named(package)} is fetched from the URL of {quoted(other)}")


def _other(package: Locked) -> str | None:
    """What the URL names, if that is not the package."""
    if package.ecosystem is Ecosystem.NPM:
        return _other_of_npm(package)
    if package.ecosystem is Ecosystem.PYPI:
        return _other_of_python(package)
    return None


def _other_of_npm(package: Locked) -> str | None:
    url = (package.resolved or "")[:_MAX_URL]
    host = host_of(url)
    path = unquote(re.split(r"[?#]", url, maxsplit=1)[0])
    found = _NPM.fullmatch(path)
    is_public_host = host is not None and is_public(Ecosystem.NPM, host)
    if found is None:
        return url if is_public_host else None  # a public registry has no other form
    if is_public_host and found["before"].count("/") > len(("https:", "")):
        return url  # or something that leads out of the folder of the package again
    if found["name"].lower() != package.name.lower():
        return found["name"]
    bare = package.name.rpartition("/")[2]
    expected = {f"{bare}-{package.version}".lower(), f"{bare}-{package.version.partition('+')[0]}".lower()}
    return None if found["file"].lower() in expected else found["file"]


def _other_of_python(package: Locked) -> str | None:
    return other_python(package.resolved or "", package.name, package.version)
