"""Names and versions of packages, in the order that each ecosystem gives them."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from haldir_auditor.supply import Ecosystem

MAX_VERSION_CHARS = 256
MAX_NAME_CHARS = 512
COVERED = (Ecosystem.PYPI, Ecosystem.NPM, Ecosystem.CARGO, Ecosystem.GO)
"""The ecosystems whose versions can be compared; the data of OSV has no others that a skill can name."""

Semver: TypeAlias = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]
Key: TypeAlias = Version | Semver
"""What compares as versions do; keys of one ecosystem only."""

# semver.org 2.0.0 sections 9 to 11, read loosely as npm does: `v` before it, parts missing, no hyphen before letters
_SEMVER = re.compile(
    r"[v=]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:(?:-|(?=[a-z]))([0-9a-z-]+(?:\.[0-9a-z-]+)*))?(?:\+[0-9a-z.-]*)?",
    re.ASCII | re.IGNORECASE,
)
_GO_PRE_RELEASE = re.compile(r"^go(\d+(?:\.\d+)*)(?:(beta|rc)(\d+))?$", re.ASCII)


@lru_cache(maxsize=65_536)
def parse_version(ecosystem: Ecosystem, text: str) -> Key | None:
    """Return the key of a version, None if its ecosystem knows no such version."""
    if len(text) > MAX_VERSION_CHARS:
        return None
    return _READERS[ecosystem](text)


def normalise_name(ecosystem: Ecosystem, name: str) -> str:
    """Return the one spelling of a package's name, as the index of its ecosystem compares names."""
    if ecosystem is Ecosystem.PYPI:
        return canonicalize_name(name)
    if ecosystem is Ecosystem.CARGO:  # the index admits no second name that differs in these alone
        return name.lower().replace("_", "-")
    return name


def is_same_version(ecosystem: Ecosystem, left: str, right: str) -> bool:
    """Whether two spellings mean one version."""
    if left == right:
        return True
    key = parse_version(ecosystem, left)
    return key is not None and key == parse_version(ecosystem, right)


def spellings(ecosystem: Ecosystem, text: str) -> frozenset[str]:
    """Return the ways in which a database may write a version; the local part of a Python version is left out too."""
    found = {text, text.removeprefix("v"), "v" + text.removeprefix("v")}
    if ecosystem is Ecosystem.GO:
        found.add(text.removeprefix("go"))
        found.add(text.removeprefix("v").removesuffix("+incompatible"))
    version = parse_version(ecosystem, text)
    if isinstance(version, Version):
        short = canonicalize_version(version.public)
        found |= {str(version), version.public, short}
        if is_final(version):
            found |= {short + ".0" * zeros for zeros in range(1, 4)}
    return frozenset(found)


def is_final(version: Version) -> bool:
    """Whether a version is no pre-release, post-release or development release."""
    return not (version.is_prerelease or version.is_postrelease)


def _read_python(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _read_semver(text: str) -> Semver | None:
    match = _SEMVER.fullmatch(text.strip())
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    identifiers = tuple(_identifier(part) for part in pre.split(".")) if pre else ()
    return int(major), int(minor or 0), int(patch or 0), not identifiers, identifiers


def _identifier(part: str) -> tuple[bool, int, str]:
    # semver.org 11.4: numbers compare as numbers, and are lower than words
    return (False, int(part), "") if part.isdecimal() else (True, 0, part)


def _read_go(text: str) -> Semver | None:
    toolchain = _GO_PRE_RELEASE.match(text)  # go1.21rc2, as the toolchain and the standard library are counted
    if toolchain is None:
        return _read_semver(text)
    numbers, word, count = toolchain.groups()
    return _read_semver(numbers + (f"-{word}.{count}" if word else ""))


_READERS: Mapping[Ecosystem, Callable[[str], Key | None]] = {
    Ecosystem.PYPI: _read_python,
    Ecosystem.NPM: _read_semver,
    Ecosystem.CARGO: _read_semver,
    Ecosystem.GO: _read_go,
}
