"""Writing a ``.vault`` folder: all of it or nothing.

The new folder is built beside the old one and takes its place in one step (renameat2 with
RENAME_EXCHANGE on Linux, renameatx_np with RENAME_SWAP on macOS).  Where a file system has no such step, two
renames do it, and a power cut between them leaves the old folder under its temporary name.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from haldir_core.errors import SigningError
from haldir_core.signals import signals_held
from haldir_core.vaultfiles import ALLOWED_NAMES, VAULT

_LEFTOVER = r"\.vault\.[0-9a-f]{16}\.(tmp|old)"
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


def write_vault(skill: str | os.PathLike[str], documents: Mapping[str, bytes]) -> Path:
    """Make ``documents`` the whole content of the ``.vault`` folder of ``skill`` and return its path.

    If anything fails, the ``.vault`` that was there before is there still.

    Raises: SigningError if the folder cannot be written, or a document has a name that the format does not know.
    """
    unknown = [name for name in documents if name not in ALLOWED_NAMES]
    if unknown:
        raise SigningError(f"{unknown[0]!r} is no document of a .vault")
    vault = Path(skill) / VAULT
    try:
        folder = os.open(skill, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SigningError(f"cannot write {vault}: {reason}") from error
    try:
        with signals_held():
            _write_folder(folder, documents)
    except OSError as error:
        raise SigningError(f"cannot write {vault}: {error.strerror}") from error
    finally:
        os.close(folder)
    return vault


def refuse_leftovers(skill: str | os.PathLike[str]) -> None:
    """Return if no interrupted `write_vault` left its work folder in ``skill``, which would be signed.

    Raises: SigningError naming the folder to remove.
    """
    with contextlib.suppress(OSError), os.scandir(skill) as entries:  # what cannot be read is told by `read_skill`
        for entry in entries:
            if re.fullmatch(_LEFTOVER, entry.name):
                raise SigningError(f"{entry.path} was left by an interrupted signing: remove it and sign again")


def _write_folder(folder: int, documents: Mapping[str, bytes]) -> None:
    """Write the documents beside ``.vault`` in the folder of that descriptor, then put them in its place."""
    name = f"{VAULT}.{secrets.token_hex(8)}.tmp"
    try:
        os.mkdir(name, 0o755, dir_fd=folder)
        new = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            for document, data in documents.items():
                _write(new, document, data)
            _sync(new)
            _replace(folder, name)
            written, placed = os.fstat(new), os.stat(VAULT, dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(new)
        if (written.st_dev, written.st_ino) != (placed.st_dev, placed.st_ino):
            raise OSError(errno.ESTALE, "somebody else changed the folder meanwhile")
    finally:
        _remove(folder, name)
    _sync(folder)


def _remove(folder: int, name: str) -> None:
    """Remove the old or half-made folder, also if its owner may not write in it.

    Raises: OSError if something of it is left, which would spoil the skill.
    """
    try:
        old = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return
    try:
        os.fchmod(old, 0o700)
    finally:
        os.close(old)
    shutil.rmtree(name, dir_fd=folder)


def _write(folder: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(folder: int, new: str) -> None:
    """Put ``new`` in the place of ``.vault``; afterwards ``new`` is the old one, or gone."""
    try:
        mode = os.stat(VAULT, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        _rename(folder, new, VAULT)
        return
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is there, and not a folder")
    if not _exchange(folder, new, VAULT):
        old = new.replace(".tmp", ".old")
        _rename(folder, VAULT, old)
        try:
            _rename(folder, new, VAULT)
        except OSError:
            _rename(folder, old, VAULT)
            raise
        _rename(folder, old, new)


def _rename(folder: int, one: str, other: str) -> None:
    os.rename(one, other, src_dir_fd=folder, dst_dir_fd=folder)


def _exchange(folder: int, one: str, other: str) -> bool:
    """Swap two names in one step; false if this platform or file system cannot."""
    import ctypes  # noqa: PLC0415 - only signing again needs it

    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return bool(libc.renameat2(folder, first, folder, second, _RENAME_EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(libc, "renameatx_np"):
        return bool(libc.renameatx_np(folder, first, folder, second, _RENAME_SWAP) == 0)
    return False


def _sync(folder: int) -> None:
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        os.fsync(folder)
