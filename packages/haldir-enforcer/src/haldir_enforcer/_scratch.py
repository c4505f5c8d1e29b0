"""Folder trees that a run leaves behind, however deep they are and whatever modes they have."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_MAX_PATH_BYTES = 4096  # linux/limits.h: PATH_MAX
_LONGEST_NAME_BYTES = 255 + 1  # linux/limits.h: NAME_MAX, and the slash
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

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


def remove(folder: Path) -> None:
    """Nothing of ``folder`` is left, as far as its owner can remove it.

    Its folders are moved up before they are emptied, so that none is deeper than one level.
    """
    with contextlib.suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101 - beside the same with descriptors
        top = os.open(folder, _FOLDER)
        try:
            _empty(top)
        finally:
            os.close(top)
        folder.rmdir()


def _empty(top: int) -> None:
    free = os.urandom(8).hex()  # names that nothing in there has
    waiting = _split(top, top, free)
    made = 0
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):  # the others are removed all the same
            inner = os.open(name, _FOLDER, dir_fd=top)
            try:
                moved = _split(inner, top, f"{free}-{made}")
            finally:
                os.close(inner)
            made += 1
            waiting += moved
            os.rmdir(name, dir_fd=top)


def _split(place: int, top: int, prefix: str) -> list[str]:
    """The files of a folder are removed, and its folders are in ``top``; return their names there."""
    moved = []
    with os.scandir(place) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for number, (name, is_folder) in enumerate(found):
        with contextlib.suppress(OSError):
            if is_folder:
                os.chmod(name, stat.S_IRWXU, dir_fd=place)
                os.rename(name, f"{prefix}-{number}", src_dir_fd=place, dst_dir_fd=top)
                moved.append(f"{prefix}-{number}")
            else:
                os.unlink(name, dir_fd=place)
    return moved


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
