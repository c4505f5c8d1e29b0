"""Syntax trees of JavaScript and TypeScript."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Language, Point, Tree

Dialect = Literal["javascript", "typescript", "tsx"]

_MODULES = ("tree_sitter", "tree_sitter_javascript", "tree_sitter_typescript")
_CHUNK = 1 << 16
# The parser reports every hundredth step, of which an honest megabyte takes up to 5 million.  Deep nesting makes the
# steps themselves slow, so that fewer are allowed.
_MOST_REPORTS = 60_000
_MOST_REPORTS_OF_DEEP = 6_000
_DEEP = 1_000
_OPENING = b"([{"
_BRACKETS = b"()[]{}"
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(_BRACKETS)))
_STEPS = {byte: 1 if byte in _OPENING else -1 for byte in _BRACKETS}


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether the packages of the extra ``ast`` are installed."""
    return all(find_spec(module) is not None for module in _MODULES)


@lru_cache(maxsize=3)
def language(dialect: Dialect) -> Language:
    """The grammar of a dialect."""
    tree_sitter = import_module("tree_sitter")
    if dialect == "javascript":
        grammar = import_module("tree_sitter_javascript").language()
    else:
        grammar = getattr(import_module("tree_sitter_typescript"), f"language_{dialect}")()
    made: Language = tree_sitter.Language(grammar)
    return made


def parse(source: bytes, dialect: Dialect) -> Tree | None:
    """The syntax tree of ``source``; None if it takes too much work."""
    most = _MOST_REPORTS_OF_DEEP if _depth(source) > _DEEP else _MOST_REPORTS
    reports = 0

    def read(offset: int, _: Point) -> bytes:
        return source[offset : offset + _CHUNK]

    def is_too_much(_: int, __: bool) -> bool:  # noqa: FBT001 - called by the parser
        nonlocal reports
        reports += 1
        return reports > most

    parser = import_module("tree_sitter").Parser(language(dialect))
    try:
        tree: Tree = parser.parse(read, progress_callback=is_too_much)
    except ValueError:
        return None
    return tree


def _depth(source: bytes) -> int:
    """About how deep brackets stand in one another."""
    return max(accumulate(map(_STEPS.__getitem__, source.translate(None, _NO_BRACKETS))), default=0)
