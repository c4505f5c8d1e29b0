"""The hosts that packages come from: public ones, allowed ones, and what a URL names."""

import re
from collections.abc import Iterable, Mapping

from haldir_auditor.supply import Ecosystem

_URL = re.compile(r"(?:[a-z]{1,12}\+)?(?P<scheme>[a-z][a-z0-9.-]{0,20})://(?P<authority>[^/?#\\\s]*)", re.IGNORECASE)
_BARE = re.compile(r"[a-z0-9][a-z0-9.-]*(?::[0-9]+)?", re.IGNORECASE)


def _host(*parts: str) -> str:
    return ".".join(parts)


MAIN: Mapping[Ecosystem, str] = {Ecosystem.PYPI: _host("pypi", "org"), Ecosystem.NPM: _host("registry", "npmjs", "org")}
"""The index that is asked if nothing else is said."""

PUBLIC: Mapping[Ecosystem, frozenset[str]] = {
    Ecosystem.PYPI: frozenset({MAIN[Ecosystem.PYPI], _host("files", "pythonhosted", "org")}),
    Ecosystem.NPM: frozenset({MAIN[Ecosystem.NPM], _host("registry", "yarnpkg", "com")}),
    Ecosystem.CARGO: frozenset(_host(*front, "crates", "io") for front in (("index",), ("static",), ())),
    Ecosystem.GO: frozenset({_host("proxy", "golang", "org"), _host("sum", "golang", "org")}),
    Ecosystem.CONDA: frozenset({_host("conda", "anaconda", "org"), _host("repo", "anaconda", "com")}),
    Ecosystem.SYSTEM: frozenset(),
}
"""The hosts that the clients of each ecosystem use if nothing else is said."""

_PUBLIC_REPOSITORIES = frozenset({f"{_host('github', 'com')}/rust-lang/{_host('crates', 'io')}-index"})
"""Cargo.lock names its public index by the address of a repository."""


def host_of(url: str) -> str | None:
    """The host that a URL names, with the port if one is written; None if it is no URL with a host.

    The address of Cargo's public index, which is a repository, counts as a host.
    """
    found = _URL.match(url.strip())
    if found is None:
        return None
    host = found["authority"].rpartition("@")[2].lower().rstrip(".")
    place = f"{host}{url.strip()[found.end() :].rstrip('/')}"
    return place if place in _PUBLIC_REPOSITORIES else host or None


def is_plain(url: str) -> bool:
    """Whether what comes from there can be changed on the way: no encryption, no authentication."""
    found = _URL.match(url.strip())
    if found is None or found["scheme"].lower() not in {"http", "git", "ftp", "svn", "rsync"}:
        return False
    host = found["authority"].rpartition("@")[2].partition(":")[0].lower()
    return host not in {"localhost", "127.0.0.1", "[::1]"}


def is_public(ecosystem: Ecosystem, host: str) -> bool:
    """Whether the host is one of those that the ecosystem's clients use by themselves."""
    return host in PUBLIC[ecosystem] or (ecosystem is Ecosystem.CARGO and host in _PUBLIC_REPOSITORIES)


def hosts_in(written: Iterable[str]) -> frozenset[str]:
    """The hosts of URLs, or the hosts themselves."""
    found = (host_of(text) or (text.strip().lower() if _BARE.fullmatch(text.strip()) else None) for text in written)
    return frozenset(host for host in found if host)
