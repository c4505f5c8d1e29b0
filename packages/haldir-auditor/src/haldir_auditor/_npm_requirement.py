"""What npm and its kin write after the name of a package."""

import re

from attrs import frozen

from haldir_auditor.supply import Dependency, Ecosystem, Origin, Place, Scope

_EXACT = re.compile(
    r"[=v \t]*(\d{1,16}\.\d{1,16}\.\d{1,16}(?:-[0-9A-Za-z.-]{1,200})?(?:\+[0-9A-Za-z.-]{1,200})?)[ \t]*"
)
_NAME = re.compile(r"(?:@[\w.~-]{1,214}/)?[\w.~-]{1,214}")
_GIT = re.compile(
    r"(?:git(?:\+[a-z]+)?://|git\+(?:ssh|https?|file|rsync|ftp):|git@[\w.-]+:|(?:github|gitlab|bitbucket|gist):|ssh://)"
    r"|https?://[^/\s]+/[^\s#]+\.git(?:#|$)",
    re.IGNORECASE,
)
_SHORT_GIT = re.compile(r"[\w-]{1,100}/[\w.-]{1,100}(?:#.*)?")  # user/repository
_URL = re.compile(r"https?:", re.IGNORECASE)
_FILE = re.compile(r"(?:file|link|portal|exec):|\.{0,2}/|\.\.?$|~/|[A-Za-z]:[\\/]", re.IGNORECASE)
_WORKSPACE = re.compile(r"workspace:")
_ORIGINS = (
    (_WORKSPACE, Origin.WORKSPACE),
    (_GIT, Origin.GIT),
    (_URL, Origin.URL),
    (_FILE, Origin.FILE),
)


@frozen
class NpmSpecifier:
    """What a specifier asks for; ``name`` is that of an alias, else None."""

    range: str
    origin: Origin = Origin.INDEX
    name: str | None = None
    version: str | None = None
    locator: str | None = None


def read_specifier(written: str) -> NpmSpecifier:
    """Return what stands after the name: a range, a tag, ``npm:other@1``, a repository, a URL, a path."""
    specifier = written.strip()
    if specifier.startswith("patch:"):  # yarn: patch:name@npm%3A1.0.0#./fix.patch
        return _patched(specifier)
    if specifier.startswith("npm:"):
        return _alias(specifier)
    for pattern, origin in _ORIGINS:
        if pattern.match(specifier):
            return NpmSpecifier(specifier, origin, locator=specifier)
    if _SHORT_GIT.fullmatch(specifier):
        return NpmSpecifier(specifier, Origin.GIT, locator=specifier)
    return NpmSpecifier(specifier, version=exact_version(specifier))


def read_dependency(name: str, written: str, place: Place, scope: Scope) -> Dependency:
    """Return the dependency that ``name: written`` declares."""
    found = read_specifier(written)
    return Dependency(
        Ecosystem.NPM,
        found.name or name,
        found.range,
        place,
        scope,
        origin=found.origin,
        version=found.version,
        locator=found.locator,
        alias=name if found.name and found.name != name else None,
    )


def split_name(words: str) -> tuple[str, str] | None:
    """Split ``name@specifier`` as npm takes it on the command line; None if it begins with no name."""
    found = _NAME.match(words)
    if not found:
        return None
    rest = words[found.end() :]
    if not rest or rest.startswith("@"):
        return found[0], rest[1:]
    return None


def exact_version(specifier: str) -> str | None:
    """Return the one version that fits, None if several may."""
    found = _EXACT.fullmatch(specifier)
    return found[1] if found else None


def _alias(specifier: str) -> NpmSpecifier:
    split = split_name(specifier[4:])
    if not split or (not split[1] and split[0][0].isdigit()):  # berry writes npm:1.x for a plain range
        return NpmSpecifier(specifier[4:], version=exact_version(specifier[4:]))
    name, rest = split
    return NpmSpecifier(rest, name=name, version=exact_version(rest))


def _patched(specifier: str) -> NpmSpecifier:
    inner = specifier[6:].partition("#")[0].replace("%3A", ":").replace("%3a", ":")
    split = split_name(inner)
    if not split:
        return NpmSpecifier(specifier, Origin.FILE, locator=specifier)
    return read_specifier(split[1])
