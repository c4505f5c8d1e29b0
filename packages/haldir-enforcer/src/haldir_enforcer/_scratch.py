"""Folder trees that a run leaves behind, however deep they are and whatever modes they have."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_MAX_PATH_BYTES = 4096  # linux/limits.h: PATH_MAX
_LONGEST_NAME_BYTES = 255 + 1  # linux/limits.h: NAME_MAX, and the slash

Mark = tuple[int, ...]
"""What is another one after a file was written to; nobody can set the time of the last change of an inode."""


def files(folder: Path) -> Iterator[tuple[str, Mark]]:
    """Yield the paths of the files below ``folder``, each with its mark; links are not followed.

    A folder that is locked is opened for its owner.  One whose path is too long for the kernel stands for all in it.
    """
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        for entry in _entries(place):
            if not entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield _below(entry.path, folder), (status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            elif len(os.fsencode(entry.path)) + _LONGEST_NAME_BYTES < _MAX_PATH_BYTES:
                waiting.append(entry.path)
            else:
                yield f"{_below(entry.path, folder)}/...", ()


def _entries(place: str) -> "list[os.DirEntry[str]]":
    try:
        return _scan(place)
    except PermissionError:
        os.chmod(place, stat.S_IRWXU)  # noqa: PTH101 - a text, as the scan gives it
        return _scan(place)


def _scan(place: str) -> "list[os.DirEntry[str]]":
    with os.scandir(place) as entries:
        return list(entries)


def _below(path: str, folder: Path) -> str:
    return os.path.relpath(path, folder)
