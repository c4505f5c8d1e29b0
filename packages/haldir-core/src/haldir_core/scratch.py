"""Private folders for a while: nothing of them is left, whatever is in them and however it ends."""

import contextlib
import os
import stat
import tempfile
import weakref
from pathlib import Path

from haldir_core.signals import signals_held

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PrivateFolder:
    """A new folder that only this user can enter, as context manager; nothing of it is left afterwards.

    Ctrl-C changes nothing of that: what it keeps from being removed at once is removed with this object, or when the
    interpreter ends.  A fork removes nothing.
    """

    def __init__(self, prefix: str) -> None:
        """The name of the folder is to begin with ``prefix``."""
        self._prefix = prefix

    def __enter__(self) -> Path:
        """The folder is there, and empty.

        Raises: OSError if none can be made.
        """
        with signals_held():
            folder = Path(tempfile.mkdtemp(prefix=self._prefix))
            self._remove = weakref.finalize(self, _remove_own, folder, os.getpid())
        return folder

    def __exit__(self, *_: object) -> None:
        """The folder is gone."""
        with signals_held():
            self._remove()


def _remove_own(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
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
