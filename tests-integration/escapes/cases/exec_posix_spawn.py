"""A program is started by posix_spawn, which forks in its own way."""

import os

from attack import executed, spoken, tries


def spawn() -> None:
    """Start the program and wait for it."""
    os.waitpid(os.posix_spawn("/usr/bin/id", ["id"], {}), 0)


with tries():
    executed(spoken(spawn))
