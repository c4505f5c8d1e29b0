"""JSON as configuration files hold it, with comments and trailing commas, and the place of every value."""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property

from attrs import define, field, frozen

from haldir_scanner._text import Place

MAX_DEPTH = 100
MAX_VALUES = 100_000
_MAX_EXCERPT = 200
_TOKEN = re.compile(
    r"[ \t\r\n,:\ufeff]++|//[^\n]*+|/\*|\"(?:[^\"\\\n]++|\\.)*+\"|'(?:[^'\\\n]++|\\.)*+'|[{}\[\]]"
    r"|[^\s,:{}\[\]\"'/]++|.",
    re.DOTALL,
)
_LONG = re.compile("[\U00010000-\U0010ffff]")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


class NoJsonError(ValueError):
    """Text that is no JSON, with or without comments."""


@frozen(eq=False)
class Value:
    """A value and where it stands.

    Attributes:
        content: a text, number, boolean or None; a list of values; or a list of members. Members come as they
            stand: two of the same name are both there, because readers differ in which of them counts.
        begin: offset of its first character.
        end: offset behind its last.
    """

    content: object = field(repr=False)
    begin: int
    end: int

    @property
    def members(self) -> list[tuple[str, "Value"]]:
        """Name and value of each member of an object; nothing for everything else."""
        return self.content.members if isinstance(self.content, _Object) else []

    @property
    def entries(self) -> list["Value"]:
        """The entries of a list; nothing for everything else."""
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str:
        """The text, or the number as text; empty for everything else."""
        if isinstance(self.content, str):
            return self.content
        return f"{self.content:g}" if isinstance(self.content, float) else ""

    @property
    def is_object(self) -> bool:
        """Whether the value is an object."""
        return isinstance(self.content, _Object)

    def get(self, *names: str) -> "Value":
        """The last member with that name, of which the next name is asked; a value without content if there is none."""
        value = self
        for name in names:
            value = next((member for key, member in reversed(value.members) if key == name), _NOTHING)
        return value

    def is_true(self, *names: str) -> bool:
        """Whether the member with these names is true."""
        return self.get(*names).content is True

    def walk(self) -> Iterator["Value"]:
        """The value and everything below it."""
        waiting = [self]
        while waiting:
            value = waiting.pop()
            yield value
            waiting.extend(reversed([member for _, member in value.members] or value.entries))


@frozen(eq=False)
class _Object:
    members: list[tuple[str, Value]]


_NOTHING = Value(None, 0, 0)


@define(slots=False, eq=False)
class Document:
    """A JSON text, its value, and the lines that offsets stand for."""

    text: str = field(repr=False)
    root: Value

    @classmethod
    def of(cls, data: bytes) -> "Document":
        """Read UTF-8, with or without a byte order mark.

        Raises: NoJsonError if it is no JSON, nested too deeply, or has too many values.
        """
        text = data.decode("utf-8-sig", "replace")
        return cls(text, _Parser(text).document())

    @cached_property
    def _line_begins(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    @cached_property
    def _long_characters(self) -> list[int]:
        """The offsets of the characters that take two units of UTF-16."""
        return [found.start() for found in _LONG.finditer(self.text)] if not self.text.isascii() else []

    def place(self, value: Value) -> Place:
        """The place of a value, with what stands there."""
        number = bisect_right(self._line_begins, value.begin)
        line_begin = self._line_begins[number - 1]
        long_ones = bisect_left(self._long_characters, value.begin) - bisect_left(self._long_characters, line_begin)
        excerpt = self.text[value.begin : min(value.end, value.begin + _MAX_EXCERPT)]
        return Place(number, value.begin - line_begin + long_ones, excerpt)


class _Parser:
    """One pass over the tokens, with a stack of its own instead of recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Of each collection that is open: where it began, and what is in it so far.
        self._open: list[tuple[int, list[tuple[str, Value]] | list[Value]]] = []
        self._names: list[str | None] = []
        self._root: Value | None = None
        self._count = 0

    def document(self) -> Value:
        position = 0
        text = self._text
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise NoJsonError
            position = token.end()
            first = text[token.start()]
            if first in " \t\r\n,:\ufeff" or token[0].startswith("//"):
                continue
            if token[0] == "/*":
                end = text.find("*/", position)
                if end < 0:
                    raise NoJsonError
                position = end + 2
            elif first in "{[":
                self._begin(first, token.start())
            elif first in "}]":
                self._finish(first, position)
            else:
                self._scalar(_scalar(token[0]), token)
        if self._root is None or self._open:
            raise NoJsonError
        return self._root

    def _begin(self, bracket: str, offset: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise NoJsonError
        self._open.append((offset, []))
        self._names.append(None if bracket == "{" else "")

    def _finish(self, bracket: str, end: int) -> None:
        if not self._open or (self._text[self._open[-1][0]] == "{") != (bracket == "}"):
            raise NoJsonError
        begin, content = self._open.pop()
        self._names.pop()
        self._add(Value(_Object(content) if bracket == "}" else content, begin, end))  # type: ignore[arg-type]

    def _scalar(self, content: object, token: re.Match[str]) -> None:
        if self._open and self._names[-1] is None and self._text[self._open[-1][0]] == "{":
            self._names[-1] = str(content)
        else:
            self._add(Value(content, *token.span()))

    def _add(self, value: Value) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise NoJsonError
        if not self._open:
            if self._root is not None:
                raise NoJsonError
            self._root = value
            return
        begin, content = self._open[-1]
        if self._text[begin] == "{":
            name = self._names[-1]
            if name is None:
                raise NoJsonError
            content.append((name, value))  # type: ignore[arg-type]
            self._names[-1] = None
        else:
            content.append(value)  # type: ignore[arg-type]


def _scalar(token: str) -> object:
    if token[0] == '"':
        return _unescaped(token)
    if token[0] == "'" and len(token) > 1:
        return _unescaped('"' + token[1:-1].replace("\\'", "'").replace('"', '\\"') + '"')
    if token in _WORDS:
        return _WORDS[token]
    try:
        return float(token)
    except ValueError as error:
        if token.isidentifier():
            return token  # a name without quotes, as JSON5 allows
        raise NoJsonError from error


def _unescaped(token: str) -> str:
    try:
        text = json.loads(token, strict=False)
    except ValueError as error:
        raise NoJsonError from error
    return text if isinstance(text, str) else ""
