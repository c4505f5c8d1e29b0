"""How much a run uses, measured from outside every few dozen milliseconds."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

import os
import stat
import time

from haldir_enforcer._linux import _tree
from haldir_enforcer.events import Action
from haldir_enforcer.limits import Limits

_UNIT = 1_000_000
_BLOCK = 512
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SHORTEST_SECONDS = 0.04
_SHARE = 20
"""A measurement may take one part in this many of the time."""
_MOST_WRITTEN = 10_000
"""Files that are looked at each time; beyond it, those that hold nothing any more are forgotten."""


class Meter:
    """Sums memory and files of all processes below the keeper."""

    def __init__(self, keeper: int, limits: Limits) -> None:
        self._keeper = keeper
        self._limits = limits
        self._written: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """The time counts from now on."""
        self._started = time.monotonic()
        self._next = self._started + _SHORTEST_SECONDS

    def wrote(self, path: str) -> None:
        """A file was opened to be written, so that its size counts."""
        self._written.add(path)

    def timeout(self) -> float:
        """Return the seconds until the next measurement or the end of the time."""
        end = self._limits.timeout_seconds
        left = self._next if end is None else min(self._next, self._started + end)
        return max(0.0, left - time.monotonic())

    def passed(self) -> tuple[Action, str] | None:
        """Return the limit that was passed and by what, measured if it is time to."""
        now = time.monotonic()
        seconds = self._limits.timeout_seconds
        if seconds is not None and now - self._started >= seconds:
            return Action.LIMIT_TIME, f"{seconds:g} seconds have passed"
        if now < self._next:
            return None
        result = self._measure()
        took = time.monotonic() - now
        self._next = now + max(_SHORTEST_SECONDS, took * _SHARE)
        return result

    def _measure(self) -> tuple[Action, str] | None:
        processes = _tree.descendants(self._keeper)
        memory = disk = 0
        seen: set[tuple[int, int]] = set()
        for process in processes:
            try:
                with open(f"/proc/{process}/statm", "rb") as file:
                    memory += int(file.read().split()[1]) * _PAGE
                nameless = _nameless(process, seen)
            except OSError:
                continue
            memory += nameless[0]
            disk += nameless[1]
        sizes = {path: _size(path) for path in self._written}
        if len(sizes) > _MOST_WRITTEN:
            self._written = {path for path, size in sizes.items() if size}
        disk += sum(sizes.values())
        return self._judge(memory, disk)

    def _judge(self, memory: int, disk: int) -> tuple[Action, str] | None:
        limits = self._limits
        if limits.memory_mb is not None and memory > limits.memory_mb * _UNIT:
            return Action.LIMIT_MEMORY, f"{memory} bytes of memory are used, {limits.memory_mb} MB may be"
        if limits.disk_mb is not None and disk >= limits.disk_mb * _UNIT:
            return Action.LIMIT_DISK, f"{disk} bytes of files are written, and less than {limits.disk_mb} MB may be"
        return None


def _nameless(process: int, seen: set[tuple[int, int]]) -> tuple[int, int]:
    """Return the bytes of memory files and of deleted files that a process has open and that were not seen yet."""
    memory = disk = 0
    folder = f"/proc/{process}/fd"
    for name in os.listdir(folder):
        try:
            status = os.stat(f"{folder}/{name}")
            if status.st_nlink or not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in seen:
                continue
            in_memory = os.readlink(f"{folder}/{name}").startswith("/memfd:")
        except OSError:
            continue
        seen.add((status.st_dev, status.st_ino))
        memory += status.st_blocks * _BLOCK if in_memory else 0
        disk += 0 if in_memory else status.st_blocks * _BLOCK
    return memory, disk


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_blocks * _BLOCK
    except OSError:
        return 0
