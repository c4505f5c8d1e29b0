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
_CHUNK = 4096
# The parser reports every hundredth step.  The densest honest code, which is minified, has one for about 48 bytes;
# code of many more steps, or deep nesting, makes each step slow as well, so that fewer are allowed.
_MOST_REPORTS = 4_000
_BYTES_FOR_ANOTHER = 52
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
    is_deep = _depth(source) > _DEEP
    reports = 0

    def read(offset: int, _: Point) -> bytes:
        return source[offset : offset + _CHUNK]

    def is_too_much(offset: int, _: bool) -> bool:  # noqa: FBT001 - called by the parser
        nonlocal reports
        reports += 1
        return reports > (_MOST_REPORTS_OF_DEEP if is_deep else _MOST_REPORTS + offset // _BYTES_FOR_ANOTHER)

    parser = import_module("tree_sitter").Parser(language(dialect))
    try:
        tree: Tree = parser.parse(read, progress_callback=is_too_much)
    except ValueError:
        return None
    return tree


def _depth(source: bytes) -> int:
    """About how deep brackets stand in one another."""
    return max(accumulate(map(_STEPS.__getitem__, source.translate(None, _NO_BRACKETS))), default=0)


def dialect_of(path: str) -> Dialect:
    """The dialect in which the file ``path`` is written, by its name; JavaScript if that says nothing else."""
    suffix = path.rpartition(".")[2].lower()
    if suffix in {"ts", "mts", "cts"}:
        return "typescript"
    return "tsx" if suffix == "tsx" else "javascript"
