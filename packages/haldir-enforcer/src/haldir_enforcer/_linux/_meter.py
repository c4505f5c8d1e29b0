"""How much a run uses, measured from outside every few dozen milliseconds."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

import itertools
import os
import stat
import time
from collections.abc import Iterator, Sequence

from attrs import define

from haldir_enforcer._linux import _tree
from haldir_enforcer._linux._shared import FOLDER
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
_MOST_AT_ONCE = 1000
"""Files and descriptors that are looked at in one measurement, so that no number of them delays the next for long."""


@define
class _Use:
    """What files hold, in bytes: on the disk, or as memory that belongs to no process."""

    disk: int = 0
    memory: int = 0


class Meter:
    """Sums memory and files of all processes below the keeper."""

    def __init__(self, keeper: int, limits: Limits) -> None:
        self._keeper = keeper
        self._limits = limits
        self._root = ""
        self._written: set[str] = set()
        self._counted, self._counting = _Use(), _Use()
        self._rest: Iterator[None] | None = None
        self.begin()

    def begin(self) -> None:
        """The time counts from now on."""
        self._started = time.monotonic()
        self._next = self._started + _SHORTEST_SECONDS

    def see(self, root: str) -> None:
        """Shared memory lies in the tree of folders that begins at ``root``: it may be of this run alone."""
        self._root = root

    def wrote(self, path: str) -> None:
        """A file was opened to be written, so that its size counts."""
        self._written.add(path)

    def renamed(self, old: str, new: str) -> None:
        """What was written as ``old`` has the name ``new`` too, so that its size counts there."""
        if old in self._written:
            self._written.add(new)

    def moved(self, old: str, new: str) -> None:
        """The same for a folder and everything below it."""
        below = f"{old}/"
        self._written |= {new + path[len(old) :] for path in self._written if f"{path}/".startswith(below)}

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
        self._look_at_files(processes)
        files, more = self._counted, self._counting
        memory = max(files.memory, more.memory) + sum(map(_resident, processes))
        return self._judge(memory, max(files.disk, more.disk))

    def _look_at_files(self, processes: Sequence[int]) -> None:
        """Count on from where the last measurement stopped; a count that came to its end is what holds from then on."""
        rest = self._rest or self._count(processes)
        if sum(1 for _ in itertools.islice(rest, _MOST_AT_ONCE)) == _MOST_AT_ONCE:
            self._rest = rest
        else:
            self._rest = None
            self._counted, self._counting = self._counting, _Use()

    def _count(self, processes: Sequence[int]) -> Iterator[None]:
        """Add what files hold to the count that is being made, and yield after each of them."""
        seen: set[tuple[int, int]] = set()
        empty = []
        for path in tuple(self._written):
            size, inode = _size(self._root + path if path.startswith(FOLDER) else path)
            if not size:
                empty.append(path)
            elif inode not in seen:
                seen.add(inode)
                self._counting.disk += size
            yield
        if len(self._written) > _MOST_WRITTEN:
            self._written.difference_update(empty)
        for process in processes:
            for name in _descriptors(process):
                self._add_nameless(f"/proc/{process}/fd/{name}", seen)
                yield

    def _add_nameless(self, path: str, seen: set[tuple[int, int]]) -> None:
        """Count what a descriptor holds open, if it is a file in memory or one that was deleted."""
        try:
            status = os.stat(path)
            if status.st_nlink or not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in seen:
                return
            is_in_memory = os.readlink(path).startswith("/memfd:")
        except OSError:
            return
        seen.add((status.st_dev, status.st_ino))
        if is_in_memory:
            self._counting.memory += status.st_blocks * _BLOCK
        else:
            self._counting.disk += status.st_blocks * _BLOCK

    def _judge(self, memory: int, disk: int) -> tuple[Action, str] | None:
        limits = self._limits
        if limits.memory_mb is not None and memory > limits.memory_mb * _UNIT:
            return Action.LIMIT_MEMORY, f"{memory} bytes of memory are used, {limits.memory_mb} MB may be"
        if limits.disk_mb is not None and disk >= limits.disk_mb * _UNIT:
            return Action.LIMIT_DISK, f"{disk} bytes of files are written, and less than {limits.disk_mb} MB may be"
        return None


def _resident(process: int) -> int:
    """Return the bytes of memory of a process, 0 if it is gone."""
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def _descriptors(process: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{process}/fd")
    except OSError:
        return []


def _size(path: str) -> tuple[int, tuple[int, int]]:
    """Return the bytes that the file of this name takes, 0 if there is none, and which file it is."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0, (0, 0)
    return status.st_blocks * _BLOCK, (status.st_dev, status.st_ino)
