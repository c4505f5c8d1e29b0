"""Noticing changes below some paths by looking at them again and again."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PAUSE_SECONDS = 0.5
MAX_ENTRIES = 200_000
"""Files and folders that are looked at; changes of further ones are not noticed."""

State = dict[str, tuple[int, ...]]


def state_of(paths: Sequence[Path], *, without: Path | None) -> State:
    """Return what tells a change of each file and folder: its kind, number, times and size."""
    ignored = os.path.realpath(without) if without is not None else None
    seen: State = {}
    for name in _names(paths):
        if len(seen) >= MAX_ENTRIES:
            break
        try:
            status = os.lstat(name)
        except OSError:
            continue
        if os.path.realpath(name) != ignored:
            # Files come and go in a folder that is not looked at for its own time: a report that is written beside.
            times = () if os.path.isdir(name) else (status.st_mtime_ns, status.st_ctime_ns, status.st_size)  # noqa: PTH112
            seen[name] = (status.st_mode, status.st_ino, *times)
    return seen


def changes(look: Callable[[], State], pause: Callable[[float], None], seen: State) -> Iterator[None]:
    """Yield whenever what ``look`` returns has changed, and then stayed as it is for a moment."""
    while True:
        pause(PAUSE_SECONDS)
        now = look()
        if now == seen:
            continue
        while True:
            pause(PAUSE_SECONDS / 2)
            settled = look()
            if settled == now:
                break
            now = settled
        seen = now
        yield


def _names(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        yield os.fspath(path)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                yield os.path.join(folder, name)  # noqa: PTH118 - a path for each of many files
