"""The exit codes of every command but those that run somebody's program."""

from enum import IntEnum


class Exit(IntEnum):
    """What a script can tell from the exit code alone."""

    GOOD = 0
    NO = 1
    """The answer is no: invalid, rejected, refused."""
    USAGE = 2
    """The command line is wrong, or an input cannot be read."""
    UNDECIDED = 3
    """No answer yet: a person must decide."""
    INTERRUPTED = 130
    """Ctrl-C, as shells report it."""


class RunExit(IntEnum):
    """The exit codes of ``enforce`` that are not the program's own, as of ``timeout`` and ``env``."""

    LIMIT = 124
    REFUSED = 125
    """Nothing was started, or the run could not be held or recorded any longer."""
    VIOLATION = 126
