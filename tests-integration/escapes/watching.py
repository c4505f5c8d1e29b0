"""What can be seen of files and processes from outside."""

import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

SHOWN_BYTES = 1 << 20
Picture = dict[str, tuple[object, ...]]
"""What can be seen of every file below a folder."""


def picture(folder: Path, *, leave_out: tuple[str, ...] = ()) -> Picture:
    """Return what can be seen of every file below a folder: kind, owner, times, attributes, content."""
    seen: Picture = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if str(Path(place, name).relative_to(folder)) not in leave_out]
        for name in [*folders, *files]:
            path = Path(place, name)
            facts = path.lstat()
            row: tuple[object, ...] = (facts.st_mode, facts.st_uid, facts.st_gid)
            if stat.S_ISREG(facts.st_mode):
                data = path.read_bytes() if facts.st_size < SHOWN_BYTES else b""
                digest = hashlib.sha256(data).hexdigest()
                row += (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, digest, tuple(os.listxattr(path)))
            seen[str(path.relative_to(folder))] = row
    return seen


def changes(before: Picture, after: Picture) -> list[str]:
    """Return the names that differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def children(pid: int) -> list[int]:
    """Return every process below one, zombies left out."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def condition(pid: int) -> dict[str, object]:
    """Return how a process does: whether it lives or stands still, its priority, limits and processors."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
        traced = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").partition("TracerPid:")[2].split()[0]
        score = Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="utf-8")
    except OSError:
        return {"alive": False}
    return {
        "alive": fields[0] not in "ZX",
        "stopped": fields[0] in "Tt",
        "nice": fields[16],
        "scheduler": (fields[37], fields[38]),
        "processors": sorted(os.sched_getaffinity(pid)),
        "limits": limits,
        "traced": traced,
        "score": score,
    }


def end(pid: int, spare: frozenset[int] = frozenset()) -> list[int]:
    """Kill every process below one; return those that had to be killed."""
    killed: list[int] = []
    for _ in range(50):
        left = [child for child in children(pid) if child not in spare]
        if not left:
            break
        for child in left:
            try:
                os.kill(child, 9)
            except ProcessLookupError:
                continue
        killed += left
        time.sleep(0.01)
    return killed


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Return whether it came true in time."""
    end_time = time.monotonic() + seconds
    while time.monotonic() < end_time:
        if true():
            return True
        time.sleep(0.01)
    return true()
