"""The processes of a run, found through their parents."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH123, PTH208

import os
import signal
import time
from contextlib import suppress

_PAUSE_SECONDS = 0.001
_LONGEST_KILL_SECONDS = 10.0


def descendants(process: int) -> list[int]:
    """Return every living process below ``process``."""
    found: list[int] = []
    waiting = [process]
    while waiting:
        parent = waiting.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{parent}/task/{thread}/children", "rb") as file:
                    children = [int(word) for word in file.read().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found


def threads(process: int) -> int:
    """Return how many threads a process has, 0 if it is gone."""
    try:
        return len(os.listdir(f"/proc/{process}/task"))
    except OSError:
        return 0


def kill_descendants(process: int) -> None:
    """No process is left below ``process``, which must be their subreaper: stopped first, so that none can escape."""
    end = time.monotonic() + _LONGEST_KILL_SECONDS
    while time.monotonic() < end:
        stopped: set[int] = set()
        while fresh := set(descendants(process)) - stopped:
            for number in fresh:
                _signal(number, signal.SIGSTOP)
            stopped |= fresh
        for number in stopped:
            _signal(number, signal.SIGKILL)
        if reap():
            return
        time.sleep(_PAUSE_SECONDS)


def reap() -> bool:
    """Take the status of every child that has ended; whether no child is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return False
        except ChildProcessError:
            return True


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
