"""A control group of version 2 for one run, below one that was delegated: limits that the kernel keeps."""

import os
import time
from pathlib import Path

from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action
from haldir_enforcer.limits import Limits

ROOT = Path("/sys/fs/cgroup")
_UNIT = 1_000_000
_NEEDED = frozenset({"memory", "pids"})
_PAUSE_SECONDS = 0.002
_LONGEST_KILL_SECONDS = 5.0


class ControlGroup:
    """A folder below a delegated one.  Source: Linux, Documentation/admin-guide/cgroup-v2.rst."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, parent: Path, name: str, limits: Limits) -> "ControlGroup":
        """Return a new group with these limits.

        Raises: ConfinementError if it cannot be made, or one of the limits cannot be set.
        """
        group = cls(parent / name)
        try:
            group.folder.mkdir()
            if limits.memory_mb is not None:
                group._set("memory.max", limits.memory_mb * _UNIT)
                group._set("memory.oom.group", 1)
            if limits.processes is not None:
                group._set("pids.max", limits.processes + 1)  # the keeper is one of them
        except OSError as error:
            raise ConfinementError(f"{group.folder}: {error.strerror}; run without a control group") from error
        return group

    def add(self, process: int) -> None:
        """The process, and all that it will start, is in the group.

        Raises: OSError if the kernel refuses.
        """
        self._set("cgroup.procs", process)

    def members(self) -> list[int]:
        """Return the processes of the group."""
        return [int(line) for line in (self.folder / "cgroup.procs").read_text("ascii").split()]

    def passed(self) -> Action | None:
        """Return which limit the kernel had to hold, if it had to hold one."""
        if self._count("memory.events", "oom_kill"):
            return Action.LIMIT_MEMORY
        return Action.LIMIT_PROCESSES if self._count("pids.events", "max") else None

    def kill(self) -> None:
        """Every process of the group is killed, at one instant.

        Raises: OSError if the kernel is older than 5.14.
        """
        self._set("cgroup.kill", 1)

    def remove(self) -> None:
        """The group is gone, as soon as its last process is.

        Raises: OSError if one is left.
        """
        end = time.monotonic() + _LONGEST_KILL_SECONDS
        while self.members() and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        self.folder.rmdir()

    def _set(self, name: str, value: int) -> None:
        (self.folder / name).write_text(f"{value}\n", "ascii")

    def _count(self, name: str, key: str) -> int:
        try:
            lines = (self.folder / name).read_text("ascii").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith(f"{key} ")), 0)


def delegated(root: Path = ROOT, own: Path = Path("/proc/self/cgroup")) -> Path | None:
    """Return the group of this process, if it is one of version 2 in which this user may limit memory and processes."""
    try:
        lines = own.read_text("ascii").splitlines()
        place = next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
        folder = root / place.lstrip("/")
        offered = set((folder / "cgroup.controllers").read_text("ascii").split())
        passed_on = set((folder / "cgroup.subtree_control").read_text("ascii").split())
    except (OSError, StopIteration, UnicodeDecodeError):
        return None
    may_write = os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)
    return folder if may_write and offered >= _NEEDED and passed_on >= _NEEDED else None
