"""The semaphores and shared memory of a run: those that it made itself, and no other's.

They lie in one folder of the machine where there are no namespaces.  What another program made there is neither opened
nor removed nor replaced; the names are those that Python and the C library pick at random, so that none is taken away
from a program that counts on its own.
"""

import os
import re
from contextlib import suppress

FOLDER = "/dev/shm/"  # noqa: S108 - where the C library keeps them (shm_overview(7), sem_overview(7))
RULE = "shared memory"
_MOST = 4096
_NAMES = re.compile(
    FOLDER
    + r"(?:sem\.mp-[a-z0-9_]{8}"  # Lib/multiprocessing/synchronize.py: SemLock._make_name
    + r"|sem\.[A-Za-z0-9]{6}"  # glibc, sysdeps/pthread/sem_open.c: made under this name first, then linked
    + r"|psm_[0-9a-f]{8})"  # Lib/multiprocessing/shared_memory.py: _make_filename
)


class Shared:
    """The names that a run has made and not removed."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, real: str) -> bool:
        return real in self._names

    def may_make(self, real: str) -> bool:
        """Whether a run may make a file of this name, if there is none yet."""
        return len(self._names) < _MOST and _NAMES.fullmatch(real) is not None

    def made(self, real: str) -> None:
        """The run has made it."""
        self._names.add(real)

    def removed(self, real: str) -> None:
        """The run has removed it: the name is anybody's again."""
        self._names.discard(real)

    def remove_all(self, root: str) -> None:
        """Nothing of it is left in the tree of folders that begins at ``root``."""
        for real in self._names:
            with suppress(OSError):  # it is gone already
                os.unlink(root + real)  # noqa: PTH108 - a text, as the kernel gave it
        self._names.clear()
