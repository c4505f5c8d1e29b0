"""What Python's installers write for one package."""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Dependency, Ecosystem, Origin, Place, Scope

_VCS = re.compile(r"(?:git|hg|svn|bzr)\+|git@|git://|ssh://", re.IGNORECASE)
_URL = re.compile(r"(?:https?|ftp|s3|gs):", re.IGNORECASE)
_FILE = re.compile(r"file:|\.{0,2}/|\.\.?(?:$|\[)|~/|[A-Za-z]:[\\/]|\$\{", re.IGNORECASE)
_ARCHIVE = re.compile(r"[^\s=<>!~;@]+\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz|tar)(?=$|[\s;\[#])", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]{0,200})")
_FILE_NAME = re.compile(r"([^/\\#?]+)/?(?:[#?].*)?$")
_NAME_IN_FILE = re.compile(r"([A-Za-z0-9](?:[\w.]*[A-Za-z0-9])?(?:-[A-Za-z][\w.]*)*)")
_MARKER = re.compile(r"\s;|;\s|;$")
_EXTRAS = re.compile(r"\[([\w.,\s-]*)\]$")
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?")
_MAX_CHARACTERS = 4_000
_EXACT = re.compile(r"===?\s*([^\s*,;]+)")


def read_requirement(written: str, place: Place, scope: Scope) -> Dependency:
    """Return the dependency that a requirement, URL or path declares.

    Raises:
        UnreadableError: if it is none of these.
    """
    words = written.strip()
    if len(words) > _MAX_CHARACTERS:
        raise UnreadableError(f"a requirement of more than {_MAX_CHARACTERS} characters", line=place.line)
    if origin := _origin(words):
        return _unnamed(words, origin, place, scope)
    try:
        requirement = Requirement(words)
    except (InvalidRequirement, RecursionError) as error:
        if "/" in words and "@" not in words:  # a folder: libs/mine
            return _unnamed(words, Origin.FILE, place, scope)
        raise UnreadableError(f"{words[:80]!r} is no requirement", line=place.line) from error
    origin = (_origin(requirement.url) or Origin.URL) if requirement.url else Origin.INDEX
    return Dependency(
        Ecosystem.PYPI,
        str(canonicalize_name(requirement.name)),
        _range(words, requirement),
        place,
        scope,
        origin=origin,
        version=exact_version(str(requirement.specifier)),
        locator=requirement.url,
        extras=tuple(sorted(requirement.extras)),
        marker=str(requirement.marker) if requirement.marker else None,
    )


def exact_version(specifier: str) -> str | None:
    """Return the one version that fits, None if several may."""
    found = _EXACT.fullmatch(specifier.strip())
    return found[1] if found else None


def name_of(written: str) -> str | None:
    """Return the normalised name at the beginning of a requirement, None if there is none."""
    found = _NAME.match(written.strip())
    return str(canonicalize_name(found[0])) if found else None


def origin_of_url(url: str) -> Origin:
    """Return the origin of what is fetched by a URL."""
    return _origin(url) or Origin.URL


def _origin(words: str) -> Origin | None:
    if _VCS.match(words):
        return Origin.GIT
    if _URL.match(words):
        return Origin.URL
    if _FILE.match(words) or _ARCHIVE.match(words):
        return Origin.FILE
    return None


def _unnamed(words: str, origin: Origin, place: Place, scope: Scope) -> Dependency:
    """Return what a URL or path without name declares: the name is that of its egg or file."""
    marked = _MARKER.search(words)
    locator = words[: marked.start()] if marked else words
    marker = words[marked.end() :].strip() if marked else ""
    extras = _EXTRAS.search(locator)
    if extras and "#" not in locator:
        locator = locator[: extras.start()]
    return Dependency(
        Ecosystem.PYPI,
        _name_in(locator),
        "",
        place,
        scope,
        origin=origin,
        locator=locator.strip(),
        extras=tuple(sorted(word.strip() for word in extras[1].split(",") if word.strip())) if extras else (),
        marker=marker or None,
    )


def _name_in(locator: str) -> str:
    """Return the name that a URL or path most likely has, the locator itself if nothing looks like one."""
    if egg := _EGG.search(locator):
        return str(canonicalize_name(egg[1]))
    file = _FILE_NAME.search(locator)
    name = _NAME_IN_FILE.match(file[1].removesuffix(".git").partition("@")[0]) if file else None
    return str(canonicalize_name(name[1])) if name else locator


def _range(words: str, requirement: Requirement) -> str:
    """Return the version specifiers as they are written."""
    specifier = str(requirement.specifier)
    if not specifier or requirement.url:
        return ""
    body = words.partition(";")[0].rpartition("]")[2] if requirement.extras else words.partition(";")[0]
    found = re.search(r"[<>=!~(].*", body)
    return found[0].strip().strip("()").strip() if found else specifier
