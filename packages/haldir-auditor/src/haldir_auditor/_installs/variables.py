"""Indexes that variables of the environment set: ``PIP_INDEX_URL=... pip install x``."""

import re
from collections.abc import Iterable, Iterator

from attrs import evolve

from haldir_auditor._hosts import host_of, is_public
from haldir_auditor.supply import Dependency, Ecosystem

_VARIABLES = {
    Ecosystem.PYPI: r"(?:PIP|UV)_(?:EXTRA_)?INDEX_URL|UV_(?:DEFAULT_)?INDEX|(?:PIP|UV)_FIND_LINKS|PIPENV_PYPI_MIRROR",
    Ecosystem.NPM: r"(?:npm|NPM|pnpm|bun|BUN)_(?:config|CONFIG)_(?:registry|REGISTRY)|YARN_(?:NPM_)?REGISTRY\w*",
    Ecosystem.GO: r"GOPROXY",
    Ecosystem.CARGO: r"CARGO_REGISTRIES_\w+_INDEX|CARGO_REGISTRY_INDEX",
    Ecosystem.CONDA: r"CONDA_CHANNELS",
}
_SETTINGS = {
    ecosystem: re.compile(
        rf"(?<![\w])(?:{names})[\"']?\]?[ \t]*(?:[=:,][ \t]*|[ \t]+)(?:\(|str\()?\\?[\"']?"
        r"(?P<url>(?:[\w+-]+=)?https?://[^\s\"'`;|&)\\,]{1,500})"
    )
    for ecosystem, names in _VARIABLES.items()
}


def indexes_in(text: str) -> dict[Ecosystem, str]:
    """Return the index that a text sets for an ecosystem; of several the first that is not the public one."""
    found: dict[Ecosystem, str] = {}
    for ecosystem, pattern in _SETTINGS.items():
        urls = [match["url"].partition("=")[2] or match["url"] for match in pattern.finditer(text)]
        foreign = [url for url in urls if not is_public(ecosystem, host_of(url) or "")]
        if foreign:
            found[ecosystem] = foreign[0]
    return found


def indexed(installs: Iterable[Dependency], indexes: dict[Ecosystem, str]) -> Iterator[Dependency]:
    """Yield what is installed, with the index that is set where a command names none."""
    for install in installs:
        index = indexes.get(install.ecosystem)
        yield evolve(install, index=index) if index and install.index is None else install
