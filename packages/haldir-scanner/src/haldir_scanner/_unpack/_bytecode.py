"""Compiled Python, compared with its source; nothing of it is ever loaded.

Source: Python/marshal.c and Lib/importlib/_bootstrap_external.py of CPython 3.3 to 3.14.
"""

import re
from collections.abc import Iterator
from typing import Self

from attrs import define, field

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Notice, Region
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside

_PYTHON = frozenset({FileType.PYTHON})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(rb"[A-Za-z0-9_]+")
_PLAIN_RUN = re.compile(rb"[\t -~]{4,}")
_FLAG_REF = 0x80
_NUMBERS = {b"i": 4, b"I": 8, b"g": 8, b"y": 16}
_CONSTANTS = b"0NFTS."
_SEQUENCES = b"([<>"
_STRINGS = b"stuaA"
_SHORT_STRINGS = b"zZ"
# PEP 552: a word of flags in the header since 3.7; PEP 570: one more number in code objects since 3.8.
_PYTHON_2 = 60_000
_FLAGS_SINCE, _POSITIONAL_SINCE, _LOCALS_SINCE = 3390, 3410, 3495


@define
class _Reader:
    """Marshalled data, read from left to right with a stack of what is still to come instead of recursion."""

    data: bytes
    place: int
    version: int
    budget: UnpackBudget
    names: set[str] = field(factory=set)
    texts: list[bytes] = field(factory=list)
    _refs: list[bytes] = field(factory=list)
    # What is still to come: the kind and the number of objects, or of bytes to skip.
    _stack: list[tuple[str, int]] = field(factory=lambda: [("object", 1)])

    def run(self) -> Self:
        """Raises: RefusedError if the data is no marshalled code of a known version, or too long."""
        if self.version >= _PYTHON_2:
            raise RefusedError("archive_unreadable", "bytecode of Python 2")
        while self._stack:
            kind, count = self._stack.pop()
            if kind == "skip":
                self._take(count)
            elif count:
                self._stack.append((kind, count - 1))
                self.budget.step()
                self._object(kind)
        return self

    def _take(self, count: int) -> bytes:
        taken = self.data[self.place : self.place + count]
        if len(taken) < count:
            raise RefusedError("archive_unreadable", "the bytecode ends early")
        self.place += count
        return taken

    def _length(self, width: int = 4) -> int:
        return int.from_bytes(self._take(width), "little")

    def _object(self, kind: str) -> None:
        code = self._take(1)[0]
        letter = bytes([code & ~_FLAG_REF])
        text = self._string(letter)
        if code & _FLAG_REF:
            self._refs.append(text or b"")
        if letter == b"r":
            index = self._length()
            text = self._refs[index] if index < len(self._refs) else b""
        if text is not None:
            self._keep(kind, text)
        elif letter != b"r":
            self._compound(kind, letter)

    def _string(self, letter: bytes) -> bytes | None:
        if letter in _SHORT_STRINGS:
            return self._take(self._length(1))
        return self._take(self._length()) if letter in _STRINGS else None

    def _keep(self, kind: str, text: bytes) -> None:
        if kind == "name":
            self.names.add(text.decode("utf-8", "replace"))
        if kind in {"name", "object"}:
            self.texts.append(text)

    def _compound(self, kind: str, letter: bytes) -> None:
        if letter in _CONSTANTS:
            return
        if letter in _NUMBERS:
            self._take(_NUMBERS[letter])
        elif letter in b"fx":
            self._take(self._length(1))
            if letter == b"x":
                self._take(self._length(1))
        elif letter == b"l":
            # Digits of 15 bits; the sign of their number is that of the value.
            self._take(2 * abs(int.from_bytes(self._take(4), "little", signed=True)))
        elif letter in _SEQUENCES or letter == b")":
            self._stack.append((kind, self._length(1 if letter == b")" else 4)))
        elif letter == b"c":
            self._stack.extend(reversed(_code_layout(self.version)))
        elif letter == b":":
            self._stack.append((kind, 3))
        else:
            raise RefusedError("archive_unreadable", f"{letter!r} is no type of marshalled data")


def _code_layout(version: int) -> list[tuple[str, int]]:
    """The fields of a code object: numbers to skip, then objects."""
    if version >= _LOCALS_SINCE:
        # code, constants, names; names and kinds of locals; file, name, qualified name; line; tables.
        head, middle, tail = 5, [("name", 1), ("code", 1), ("code", 3)], [("code", 2)]
    elif version >= _POSITIONAL_SINCE:
        head, middle, tail = 6, [("name", 3), ("code", 2)], [("code", 1)]
    else:
        head, middle, tail = 5, [("name", 3), ("code", 2)], [("code", 1)]
    return [("skip", 4 * head), ("code", 1), ("object", 1), ("name", 1), *middle, ("skip", 4), *tail]


def bytecode(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The strings of compiled Python, and a notice if its source is missing or another one."""
    version = int.from_bytes(data[:2], "little")
    begin = 16 if version >= _FLAGS_SINCE else 12
    try:
        reader = _Reader(data, begin, version, budget).run()
        names, texts = reader.names, reader.texts
    except RefusedError as error:
        yield Notice(error.rule, path, error.detail)
        names, texts = set(), _PLAIN_RUN.findall(data, begin)
    if texts:
        yield Member(inside(path, "strings"), b"\n".join(texts), Region.CODE, types=_PYTHON)
    source = _source(path, budget)
    if source is None:
        yield Notice("pyc_without_source", path)
    elif version < _PYTHON_2:
        yield from _differences(path, data, begin, names, source)


def _source(path: str, budget: UnpackBudget) -> bytes | None:
    """The source beside compiled Python, or one folder above its cache (PEP 3147)."""
    folder, slash, name = path.rpartition("/")
    if folder == "__pycache__" or folder.endswith("/__pycache__"):
        folder = folder.removesuffix("__pycache__").removesuffix("/")
        slash = "/" if folder else ""
    stem = name.partition(".")[0]
    return budget.siblings(f"{folder}{slash}{stem}.py")


def _differences(path: str, data: bytes, begin: int, names: set[str], source: bytes) -> Iterator[Notice]:
    written = {match.group() for match in _WORD.finditer(source)}
    # The compiler adds names with two underscores, and the name of the class in front of private ones.
    sought = {name for name in names if "__" not in name and _IDENTIFIER.fullmatch(name)}
    foreign = sorted(sought - {word.decode("ascii") for word in written})
    if foreign:
        yield Notice("pyc_mismatch", path, f"not in the source: {', '.join(foreign[:5])}"[:200])
    by_time = begin == 12 or not int.from_bytes(data[4:8], "little") & 1
    if by_time and int.from_bytes(data[begin - 4 : begin], "little") != len(source) & 0xFFFFFFFF:
        yield Notice("pyc_stale", path, f"compiled from a source of another length than {len(source)} bytes")
