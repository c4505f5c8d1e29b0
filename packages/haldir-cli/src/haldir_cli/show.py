"""Texts from a skill, made safe for a terminal."""

import contextlib
import json
import os
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, TextIO

from haldir_core.invisible import is_invisible

if TYPE_CHECKING:
    from haldir_core.canonical import JsonValue

_MAYBE_UNSAFE = re.compile(r"[^\x20-\x7e]")


def say(*lines: str) -> None:
    """Print words for people on stderr, one line each, safe for a terminal whatever they quote."""
    with contextlib.suppress(OSError):  # where stderr is closed or full nobody can be told
        for line in lines:
            _write(f"{printable(line)}\n", sys.stderr)


def print_out(text: str) -> None:
    """Print a result, whose line feeds are its own, on stdout."""
    _write(text, sys.stdout)


def say_marked(mark: str, rest: str, colour: str) -> None:
    """Print a line that begins with words in ``colour``, if there is one and stderr is a terminal with colours."""
    with contextlib.suppress(OSError):
        begin = printable(mark)
        if colour and _has_colours():
            import typer  # noqa: PLC0415 - 20 ms that only somebody with colours pays

            begin = typer.style(begin, fg=colour, bold=True)
        _write(f"{begin}{printable(rest)}\n", sys.stderr)


def is_seen() -> bool:
    """Whether words for people go to a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def _has_colours() -> bool:
    # https://no-color.org: set and not empty
    return is_seen() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Return ``text`` with every character that a terminal would act on, or hide, written as an escape."""
    return _MAYBE_UNSAFE.sub(lambda match: _escape(match[0]), text)


def json_text(value: "JsonValue") -> str:
    """Return ``value`` as indented JSON that a terminal can show; it parses to the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _MAYBE_UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else _escape_json(match[0]), text)


def json_line(value: "JsonValue") -> str:
    """Return ``value`` as JSON on one line that a terminal can show; it parses to the same value."""
    return _MAYBE_UNSAFE.sub(lambda match: _escape_json(match[0]), json.dumps(value, ensure_ascii=False))


def _write(text: str, stream: TextIO | None) -> None:
    """Write a text; typer is asked only where the encoding or the colours of the stream matter."""
    if not text.isascii() or "\x1b" in text:
        import typer  # noqa: PLC0415 - 20 ms, and few words have either

        typer.echo(text, err=stream is sys.stderr, nl=False)
    elif stream is not None:
        stream.write(text)
        stream.flush()


def _escape(char: str) -> str:
    if not is_invisible(char) and unicodedata.category(char) != "Cn":
        return char
    return char.encode("unicode_escape").decode("ascii")


def _escape_json(char: str) -> str:
    if not is_invisible(char) and unicodedata.category(char) != "Cn":
        return char
    return json.dumps(char)[1:-1]
