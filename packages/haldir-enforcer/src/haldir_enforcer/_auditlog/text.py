r"""Attacker-controlled texts as records show them: short, printable, and unambiguous.

A backslash always starts an escape: ``\\`` is a backslash, ``\xNN`` a byte that is not UTF-8, ``\uNNNN`` and
``\UNNNNNNNN`` a character that is not printable, ``\+N`` stands at the end for N further characters (or arguments)
that were cut off.
"""

from collections.abc import Iterable, Mapping

from haldir_enforcer.events import Event

MAX_TEXT = 4096
"""Characters of a path, a rule or a detail: PATH_MAX of Linux."""

MAX_ARGUMENT = 1024
"""Characters of one argument."""

MAX_ARGUMENTS = 64
"""Arguments of one argv."""

MAX_ARGV_TEXT = 16 * 1024
"""Characters of one argv in all."""

_WHOLE: Mapping[int, int] = {}


def printable(text: str, limit: int = MAX_TEXT, left_out: int = 0) -> str:
    """Return ``text`` with at most ``limit`` of its characters, without one that acts on a terminal or a log reader.

    ``left_out`` is how many followed that are not in ``text``.
    """
    if len(text) <= limit and not left_out and "\\" not in text and text.isprintable():
        return text
    cut = max(len(text) - limit, 0) + left_out
    shown = "".join(map(_escape, text[:limit]))
    return f"{shown}\\+{cut}" if cut > 0 else shown


def printable_argv(event: Event) -> list[str]:
    """Return the arguments of an event as `printable_arguments`, with what the event does not keep marked as well."""
    left_out = event.left_out
    if left_out is None:
        return printable_arguments(event.argv)
    return printable_arguments(event.argv, left_out.arguments, dict(left_out.characters))


def printable_arguments(argv: Iterable[str], more: int = 0, longer: Mapping[int, int] = _WHOLE) -> list[str]:
    """Return the arguments as `printable` texts, at most `MAX_ARGUMENTS` and `MAX_ARGV_TEXT` characters of them.

    ``more`` arguments follow that are not in ``argv``; ``longer`` says which of them are longer, and by how much.
    """
    arguments = list(argv)
    room = MAX_ARGV_TEXT
    shown = []
    for at, argument in enumerate(arguments[:MAX_ARGUMENTS]):
        if room <= 0:
            break
        shown.append(printable(argument, min(room, MAX_ARGUMENT), longer.get(at, 0)))
        room -= min(len(argument), MAX_ARGUMENT)
    missing = len(arguments) - len(shown) + more
    if missing:
        shown.append(f"\\+{missing}")
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
