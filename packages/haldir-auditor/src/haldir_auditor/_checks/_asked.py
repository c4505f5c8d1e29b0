"""What the skill itself asks for, each name once."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._wanted import Decided
from haldir_auditor.supply import Dependency, Locked, Origin

PROSE = (".md", ".markdown", ".mdx", ".mdc", ".rst", ".txt", ".adoc", ".html", ".htm")


def directly(case: Case) -> Iterator[Dependency | Locked]:
    """Yield what manifests, commands and prose name, and what lock files hold at the first level."""
    told = set()
    manifests = (wanted.dependency for wanted in case.wanted if wanted.decided is not Decided.BY_FOLDER)
    locked = (package for _, package in case.locked() if package.depth == 1 and package.origin is Origin.INDEX)
    items: list[Dependency | Locked] = [*manifests, *case.supply.installs, *case.supply.mentions, *locked]
    for item in items:
        if (item.ecosystem, item.name) not in told:
            told.add((item.ecosystem, item.name))
            yield item


def is_prose(path: str) -> bool:
    """Whether a file is read by people and models rather than run."""
    return path.lower().endswith(PROSE)
