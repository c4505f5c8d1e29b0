"""Packages of a lock file whose URL is that of another package."""

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
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
        "under a trusted name. URLs in the form of npm's registries, and file names of Python archives, are "
        "compared."
    ),
    remedy="Make the lock file anew, and look at who changed it.",
)

_NPM = re.compile(
    r"/(?P<name>(?:(?:@|%40)[^/%]{1,214}(?:/|%2f))?[^/%]{1,214})/-/(?P<file>[^/?#]{1,400})\.tgz", re.IGNORECASE
)
_ARCHIVE = re.compile(r"/(?P<file>[^/?#]{1,400}?)(?:\.tar\.gz|\.zip|\.whl|\.tar\.bz2|\.tgz)(?:$|[?#])", re.IGNORECASE)


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
    found = _NPM.search(package.resolved or "")
    if found is None:
        return None
    name = re.sub("%2f", "/", re.sub("%40", "@", found["name"], flags=re.IGNORECASE), flags=re.IGNORECASE)
    if name.lower() != package.name.lower():
        return name
    bare = package.name.rpartition("/")[2]
    expected = {f"{bare}-{package.version}".lower(), f"{bare}-{package.version.partition('+')[0]}".lower()}
    return None if found["file"].lower() in expected else found["file"]


def _other_of_python(package: Locked) -> str | None:
    found = _ARCHIVE.search(package.resolved or "")
    if found is None:
        return None
    file, name = canonicalize_name(found["file"]), canonicalize_name(package.name)
    return None if file == name or file.startswith(f"{name}-") else found["file"]
