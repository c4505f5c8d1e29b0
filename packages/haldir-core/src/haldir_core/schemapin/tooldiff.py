"""What is different between two versions of a tool, in lines that people read and a terminal can show."""

import difflib
import itertools
import json
from collections.abc import Iterator

from attrs import frozen

from haldir_core.canonical import JsonObject
from haldir_core.invisible import is_invisible
from haldir_core.schemapin.canon import parse_strict

MAX_CHANGES = 50
"""Members of which a difference shows the texts."""

MAX_LINES = 60
"""Lines that are shown of one member."""

MAX_CHARACTERS = 240
"""Characters that are shown of one line."""

_COMPARED_LINES = 200  # more are not compared line by line: that takes quadratic time
_BEFORE = 60  # characters shown before the first that differs
_MISSING = object()


@frozen
class MemberChange:
    """One member that is not the same.

    Attributes:
        path: the keys that lead to it, as a JSON Pointer (RFC 6901); empty for the tool itself.
        old: the lines that are gone; empty if the member is new.
        new: the lines that came; empty if the member is gone.
    """

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the change as a difference is written: what is gone with ``-``, what came with ``+``."""
        word = "added" if not self.old else "removed" if not self.new else "changed"
        yield f"{self.path or 'the tool'} {word}:"
        yield from (f"  - {line}" for line in self.old)
        yield from (f"  + {line}" for line in self.new)

    def to_json(self) -> JsonObject:
        """Return the change as JSON value."""
        return {"path": self.path, "old": list(self.old), "new": list(self.new)}


def tool_difference(old: bytes, new: bytes) -> tuple[MemberChange, ...]:
    """Return what is different between two canonical forms of a tool; characters that nobody sees are escaped.

    Raises: MalformedError if one of them is no strict JSON.
    """
    changes = _walk(parse_strict(old, "pinned tool"), parse_strict(new, "tool"), "")
    return tuple(itertools.islice(changes, MAX_CHANGES))


def shown(text: str) -> str:
    """Return ``text`` with every character that a terminal would act on, or hide, written as an escape."""
    return "".join(char.encode("unicode_escape").decode("ascii") if is_invisible(char) else char for char in text)


def _walk(old: object, new: object, path: str) -> Iterator[MemberChange]:
    if old == new and _same_types(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            step = key.replace("~", "~0").replace("/", "~1")
            yield from _walk(old.get(key, _MISSING), new.get(key, _MISSING), f"{path}/{shown(step)[:MAX_CHARACTERS]}")
        return
    gone, came = _different_lines(_lines(old), _lines(new))
    yield MemberChange(path, gone, came)


def _same_types(old: object, new: object) -> bool:
    """Whether equal values are also written alike: for Python 1, 1.0 and true are equal."""
    return json.dumps(old, sort_keys=True, default=str) == json.dumps(new, sort_keys=True, default=str)


def _lines(value: object) -> list[str]:
    if value is _MISSING:
        return []
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return text.split("\n")


def _different_lines(old: list[str], new: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines that only one of two texts has; of long lines what is around the first difference."""
    if old and new and len(old) + len(new) <= _COMPARED_LINES:
        blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        pairs = [(old[a:b], new[c:d]) for tag, a, b, c, d in blocks if tag != "equal"]
    else:
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
        pairs = [(old[same:], new[same:])]
    gone: list[str] = []
    came: list[str] = []
    for before, after in pairs:
        for one, other in itertools.zip_longest(before, after):
            if max(len(gone), len(came)) >= MAX_LINES:
                return (*gone, "..."), (*came, "...")
            start = 0 if one is None or other is None else _window(one, other)
            gone += [] if one is None else [_excerpt(one, start)]
            came += [] if other is None else [_excerpt(other, start)]
    return tuple(gone), tuple(came)


def _window(one: str, other: str) -> int:
    """Return where to begin to show two lines so that their first difference is seen."""
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return 0 if same < MAX_CHARACTERS - _BEFORE else same - _BEFORE


def _excerpt(line: str, start: int) -> str:
    end = start + MAX_CHARACTERS
    return f"{'...' if start else ''}{shown(line[start:end])}{'...' if end < len(line) else ''}"
