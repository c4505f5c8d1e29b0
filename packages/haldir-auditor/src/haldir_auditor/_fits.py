"""Whether a version fits a range, in the words of each ecosystem."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from haldir_auditor.supply import Ecosystem

MAX_LENGTH = 256
"""Longer ranges and versions are not understood: the readers of versions are not made for them."""

_ANYTHING = frozenset({"", "*", "x", "X", "latest", "any", "x.x", "x.x.x", "*.*", "*.*.*"})
_FROM_ZERO = re.compile(r"(?:>=?\s*)0(?:\.0)*")
_TAG = re.compile(r"[A-Za-z][\w.-]*")
_VERSION_LIKE = re.compile(r"[vV]?[0-9xX*]")
_CLAUSE_GAP = re.compile(r"\s*,\s*|\s+(?=[\^~<>=!])")


def is_anything(ecosystem: Ecosystem, written: str) -> bool:
    """Whether a range sets no bound at all: nothing, a star, from zero on, or a name that the registry moves."""
    text = written.strip()
    if text in _ANYTHING or _FROM_ZERO.fullmatch(text):
        return True
    return ecosystem is Ecosystem.NPM and bool(_TAG.fullmatch(text)) and not _VERSION_LIKE.match(text)


@lru_cache(maxsize=4096)
def fits(ecosystem: Ecosystem, version: str, written: str) -> bool | None:
    """Whether the version is in the range; None if one of both is not understood."""
    if len(version) > MAX_LENGTH or len(written) > MAX_LENGTH or ecosystem not in _READERS:
        return None
    if is_anything(ecosystem, written):
        return True
    return _READERS[ecosystem](version, written.strip())


def _fits_npm(version: str, written: str) -> bool | None:
    import nodesemver  # type: ignore[import-untyped] # noqa: PLC0415 - only where there is something of npm

    try:
        nodesemver.make_range(written, loose=True)
        return bool(nodesemver.satisfies(version, written, loose=True, include_prerelease=True))
    except ValueError:
        return None


def _fits_cargo(version: str, written: str) -> bool | None:
    # The Cargo Book, "Specifying Dependencies": a version alone is a caret range.
    clauses = [part.strip() for part in written.split(",")]
    return _fits_npm(version, " ".join(f"^{part}" if part[:1].isdigit() else part for part in clauses))


def _fits_go(version: str, written: str) -> bool:
    return version.removeprefix("v") == written.removeprefix("v")


def _fits_python(version: str, written: str) -> bool | None:
    try:
        wanted = Version(version)
        choices = [list(_clauses(choice)) for choice in written.split("||")]
        return any(all(clause.contains(wanted, prereleases=True) for clause in choice) for choice in choices)
    except (InvalidVersion, InvalidSpecifier, ValueError):
        return None


def _clauses(written: str) -> Iterator[SpecifierSet]:
    """The clauses of a range, as PEP 440 has them or as Poetry adds them (caret, tilde, a version alone)."""
    for clause in filter(None, _CLAUSE_GAP.split(written.strip().strip("()"))):
        if clause in _ANYTHING:
            continue
        if clause.startswith("^"):
            yield SpecifierSet(_up_to(clause[1:], _caret_place))
        elif clause.startswith("~") and not clause.startswith("~="):
            yield SpecifierSet(_up_to(clause[1:], lambda release: min(1, len(release) - 1)))
        elif clause[:1].isdigit():
            yield SpecifierSet(f"=={clause}")
        else:
            yield SpecifierSet(clause)


def _caret_place(release: tuple[int, ...]) -> int:
    """The place of the first number that is not zero: the one that must stay."""
    return next((place for place, number in enumerate(release) if number), len(release) - 1)


def _up_to(text: str, place_of: Callable[[tuple[int, ...]], int]) -> str:
    lowest = Version(text.strip())
    place = place_of(lowest.release)
    highest = ".".join(map(str, (*lowest.release[:place], lowest.release[place] + 1)))
    return f">={lowest},<{highest}"


_READERS: dict[Ecosystem, Callable[[str, str], bool | None]] = {
    Ecosystem.PYPI: _fits_python,
    Ecosystem.NPM: _fits_npm,
    Ecosystem.CARGO: _fits_cargo,
    Ecosystem.GO: _fits_go,
}
