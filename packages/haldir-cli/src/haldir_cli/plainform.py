"""The plain form of ``haldir enforce``: FOLDER [OPTION...] -- COMMAND..., read without the option parser.

Only what surely means the same to the option parser is read here: options in full, and their values as words of their
own.  Everything else, every mistake among it, is left to the parser; a test compares the two.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from haldir_cli.runrequest import LevelName, Request

_COMPLETION = "_HALDIR_COMPLETE"
"""The variable by which a shell asks typer to complete a command line, and to run none."""


def read_plain(words: Sequence[str]) -> Request | None:
    """Return what the words after ``enforce`` ask for; None if they are not surely of the plain form."""
    if _COMPLETION in os.environ or "--" not in words or any("\0" in word for word in words):
        return None
    end = list(words).index("--")
    try:
        named = _named(words[:end])
    except ValueError:
        return None
    return Request(command=tuple(words[end + 1 :]), **named)


def _named(words: Sequence[str]) -> dict[str, Any]:
    """Return the members of the request that the words before ``--`` name.

    Raises: ValueError if that is not surely what they mean.
    """
    named: dict[str, Any] = {}
    folders = []
    waiting = iter(words)
    for word in waiting:
        member = word.removeprefix("--").replace("-", "_")
        if word in _FLAGS:
            named[member] = True
        elif word in _VALUES:
            named[member] = _VALUES[word](_value(waiting))
        elif word in _LISTS:
            named[member] = (*named.get(member, ()), _LISTS[word](_value(waiting)))
        else:
            folders.append(_value(iter((word,))))
    (folder,) = folders
    return {**named, "skill": Path(folder)}


def _value(waiting: Iterator[str]) -> str:
    """Return the next word, which is no option.

    Raises: ValueError if there is none, or it could be one, or is empty.
    """
    word = next(waiting, "")
    if not word or word.startswith("-"):
        raise ValueError(word)
    return word


def _readable(text: str) -> Path:
    """Return a path.

    Raises: ValueError if it is there and cannot be read, which the option parser refuses in words.
    """
    if os.path.lexists(text) and not os.access(text, os.R_OK):
        raise ValueError(text)
    return Path(text)


_FLAGS = frozenset({"--explain", "--json", "--no-verify"})
_VALUES: Mapping[str, Callable[[str], object]] = {
    "--alert-command": str,
    "--audit-log": _readable,
    "--entrypoint": str,
    "--limits": str,
    "--report": _readable,
    "--require": LevelName,
    "--revocation": _readable,
    "--trust-store": _readable,
}
_LISTS: Mapping[str, Callable[[str], Path]] = {"--key": _readable, "--revocation-key": _readable}
