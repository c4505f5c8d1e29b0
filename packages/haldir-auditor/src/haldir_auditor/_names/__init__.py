"""Well-known package names, and which of them another name can be taken for.

Origin of the lists, and the figures: docs/decisions/0016-auditor.md.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib.resources import files

from attrs import frozen

from haldir_auditor._names.likeness import difference, flattened
from haldir_auditor.supply import Ecosystem

_FILES = {Ecosystem.PYPI: "pypi.txt", Ecosystem.NPM: "npm.txt"}

LISTED = frozenset(_FILES)
"""The ecosystems that there is a list for."""


@frozen
class Likeness:
    """A well-known name that another one looks like, and how they differ, in words."""

    name: str
    difference: str


@frozen(slots=False)
class Names:
    """The well-known names of one ecosystem."""

    known: frozenset[str]

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes of npm that well-known packages have, without the @."""
        return frozenset(name[1:].partition("/")[0] for name in self.known if name.startswith("@"))

    @cached_property
    def _flat(self) -> Mapping[str, str]:
        """Every name by what is left of it without separators; scoped names last, so that these win."""
        return {flattened(name): name for name in sorted(self.known, reverse=True)}

    @cached_property
    def _plain(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.known if not name.startswith("@")))

    def is_known(self, name: str) -> bool:
        """Whether the name, or the scope that it belongs to, is well known."""
        return name in self.known or (name.startswith("@") and name[1:].partition("/")[0] in self.scopes)

    def likeness(self, name: str) -> Likeness | None:
        """The well-known name that this one can be taken for; None for well-known names."""
        if self.is_known(name):
            return None
        same = self._flat.get(flattened(name))
        if same is not None and len(flattened(name)) >= 5:
            return Likeness(same, "differs only in separators, case or scope")
        if name.startswith("@"):
            return self._like_scope(name)
        return _nearest(name, self._plain)

    def _like_scope(self, name: str) -> Likeness | None:
        scope, _, rest = name[1:].partition("/")
        found = _nearest(scope, tuple(sorted(self.scopes)))
        return found and Likeness(f"@{found.name}/{rest}", f"has a scope that {found.difference}")


@lru_cache(maxsize=2)
def names_of(ecosystem: Ecosystem) -> Names:
    """The names of an ecosystem in ``LISTED``."""
    lines = files(__name__).joinpath(_FILES[ecosystem]).read_text("utf-8").splitlines()
    return Names(frozenset(line for line in lines if not line.startswith("#")))


def _nearest(name: str, choices: tuple[str, ...]) -> Likeness | None:
    """The first of the choices that is one edit away, if that edit is one that deceives."""
    from rapidfuzz import process  # noqa: PLC0415 - few skills have names that must be compared
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - the same

    for choice, _, _ in process.extract_iter(name, choices, scorer=OSA.distance, score_cutoff=1):
        words = difference(name, choice)
        if words is not None:
            return Likeness(choice, words)
    return None
