"""TOML, with a fast way for what lock files look like."""

import json
import re
import tomllib
from typing import NoReturn, TypeAlias

from haldir_auditor._syntax.errors import UnreadableError

_MAX_BYTES = 4_000_000  # by tomllib, which reads about 1 MB a second

# tomllib takes time with the square of the number of parts of a dotted key.
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""")

# The fast way: text in which every key is a bare one, no string spans lines or has an escape that JSON has not, is
# JSON after four replacements.  A replacement that hits the inside of a string leaves a quote before a letter or digit
# there, which is not JSON, so that the slow way reads it.
_SLOW = re.compile(r'"""|\'\'\'|\\[^"\\bfnrt]|\r')
_NAME = r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)"
_HEADER = re.compile(rf"^(?:\[{_NAME}\]|\[\[{_NAME}\]\])[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_KEY = re.compile(r"^([A-Za-z0-9_-]+) = ", re.MULTILINE)
_INNER_KEY = re.compile(r"(?:(?<=[{,] )|(?<={))([A-Za-z_][A-Za-z0-9_-]*) = ")
_TIME = re.compile(r"(?<=: )(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)(?=[ ,\n])")
_TRAILING = re.compile(r",(?=\n\s*\])")

Table: TypeAlias = dict[str, object]


def read_toml(text: str) -> Table:
    """Return what the text says.

    Raises:
        UnreadableError: if it is not TOML.
    """
    if len(text) > _MAX_BYTES:
        raise UnreadableError(f"not read: more than {_MAX_BYTES} characters of TOML", kind="too-large")
    if long := _LONG_KEY.search(text):
        raise UnreadableError(
            "not read: a dotted key of more than 64 parts", line=text.count("\n", 0, long.start()) + 1
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise UnreadableError(f"not TOML: {error}", line=int(found[1]) if found else 0) from error
    except RecursionError as error:
        raise UnreadableError("not read: nested too deeply") from error
    except ValueError as error:  # a number of more than 4,300 digits, a date that is none
        raise UnreadableError(f"not read: {error}") from error


def read_lock_toml(text: str) -> Table:
    """Return what the text says: as ``read_toml``, save that times may be strings, and ten times as fast.

    Raises:
        UnreadableError: if it is not TOML.
    """
    try:
        return _fast(text)
    except (_NotSimpleError, ValueError, RecursionError):
        return read_toml(text)


class _NotSimpleError(Exception):
    """The text needs the slow way."""


def _fast(text: str) -> Table:
    if _SLOW.search(text):
        raise _NotSimpleError
    if "#" in text:
        text = _COMMENT.sub("", text)
    document: Table = {}
    target, start = document, 0
    for header in _HEADER.finditer(text):
        _fill(target, text[start : header.start()])
        opened = _opened_row(document, header[2]) if header[2] else _opened_table(document, header[1])
        target, start = opened, header.end()
    _fill(target, text[start:])
    return document


def _fill(target: Table, body: str) -> None:
    """Put the keys and values of one table into it."""
    if not body.strip():
        return
    lines = _INNER_KEY.sub(r'"\1": ', _KEY.sub(r',"\1": ', _TRAILING.sub("", body))).lstrip()
    lines = _TIME.sub(r'"\1"', lines)
    if not lines.startswith(","):
        raise _NotSimpleError
    values = json.loads("{" + lines[1:] + "}", parse_constant=_refuse, object_pairs_hook=_unique)
    if not target.keys().isdisjoint(values):
        raise _NotSimpleError
    target.update(values)


def _opened_row(document: Table, header: str) -> Table:
    """Return the table that ``[[header]]`` opens."""
    parent, name = _parent(document, header)
    rows = parent.setdefault(name, [])
    row: Table = {}
    if not isinstance(rows, list):
        raise _NotSimpleError
    rows.append(row)
    return row


def _opened_table(document: Table, header: str) -> Table:
    """Return the table that ``[header]`` opens."""
    parent, name = _parent(document, header)
    if name in parent:
        raise _NotSimpleError
    table: Table = {}
    parent[name] = table
    return table


def _parent(document: Table, header: str) -> tuple[Table, str]:
    *above, name = header.split(".")
    parent = document
    for part in above:
        below = parent.setdefault(part, {})
        if isinstance(below, list) and below:
            below = below[-1]
        if not isinstance(below, dict):
            raise _NotSimpleError
        parent = below
    return parent, name


def _unique(pairs: list[tuple[str, object]]) -> Table:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _NotSimpleError
    return table


def _refuse(constant: str) -> NoReturn:
    raise _NotSimpleError(constant)
