"""Texts from a skill, made safe for a terminal."""

import contextlib
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import typer

from haldir_core.invisible import is_invisible

if TYPE_CHECKING:
    from haldir_core.canonical import JsonValue

_MAYBE_UNSAFE = re.compile(r"[^\x20-\x7e]")


def say(*lines: str) -> None:
    """Print words for people on stderr, one line each, safe for a terminal whatever they quote."""
    with contextlib.suppress(OSError):  # where stderr is closed or full nobody can be told
        for line in lines:
            typer.echo(printable(line), err=True)


def printable(text: str) -> str:
    """Return ``text`` with every character that a terminal would act on, or hide, written as an escape."""
    return _MAYBE_UNSAFE.sub(lambda match: _escape(match[0]), text)


def json_text(value: "JsonValue") -> str:
    """Return ``value`` as indented JSON that a terminal can show; it parses to the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _MAYBE_UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else _escape_json(match[0]), text)


def _escape(char: str) -> str:
    if not is_invisible(char) and unicodedata.category(char) != "Cn":
        return char
    return char.encode("unicode_escape").decode("ascii")


def _escape_json(char: str) -> str:
    if not is_invisible(char) and unicodedata.category(char) != "Cn":
        return char
    return json.dumps(char)[1:-1]
