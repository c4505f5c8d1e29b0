r"""Attacker-controlled texts as records show them: short, printable, and unambiguous.

A backslash always starts an escape: ``\\`` is a backslash, ``\xNN`` a byte that is not UTF-8, ``\uNNNN`` and
``\UNNNNNNNN`` a character that is not printable, ``\+N`` stands at the end for N further characters (or arguments)
that were cut off.
"""

from collections.abc import Iterable

MAX_TEXT = 4096
"""Characters of a path, a rule or a detail: PATH_MAX of Linux."""

MAX_ARGUMENT = 1024
"""Characters of one argument."""

MAX_ARGUMENTS = 64
"""Arguments of one argv."""

MAX_ARGV_TEXT = 16 * 1024
"""Characters of one argv in all."""


def printable(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` with at most ``limit`` of its characters, without one that acts on a terminal or a log reader."""
    if len(text) <= limit and "\\" not in text and text.isprintable():
        return text
    cut = len(text) - limit
    shown = "".join(map(_escape, text[:limit]))
    return f"{shown}\\+{cut}" if cut > 0 else shown


def printable_arguments(argv: Iterable[str]) -> list[str]:
    """Return the arguments as `printable` texts, at most `MAX_ARGUMENTS` and `MAX_ARGV_TEXT` characters of them."""
    arguments = list(argv)
    room = MAX_ARGV_TEXT
    shown = []
    for argument in arguments[:MAX_ARGUMENTS]:
        if room <= 0:
            break
        shown.append(printable(argument, min(room, MAX_ARGUMENT)))
        room -= min(len(argument), MAX_ARGUMENT)
    if len(shown) < len(arguments):
        shown.append(f"\\+{len(arguments) - len(shown)}")
    return shown


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: an undecodable byte of a path or an argument
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
