"""Writing a ``.vault`` folder: all of it or nothing.

The new folder is built beside the old one and takes its place in one step (renameat2 with
RENAME_EXCHANGE on Linux, renamex_np with RENAME_SWAP on macOS).  Where a file system has no such step, two
renames do it, and a power cut between them leaves the old folder under its temporary name.
"""

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from haldir_core.errors import SigningError
from haldir_core.vaultfiles import ALLOWED_NAMES, VAULT

_LEFTOVER = r"\.vault\.[0-9a-f]{16}\.(tmp|old)"
_AT_FDCWD = -100  # linux/fcntl.h
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
    folder = Path(skill)
    vault = folder / VAULT
    new = folder / f"{VAULT}.{secrets.token_hex(8)}.tmp"
    with _signals_held():
        try:
            new.mkdir()
            for name, data in documents.items():
                _write(new / name, data)
            _sync_folder(new)
            _replace(new, vault)
        except OSError as error:
            raise SigningError(f"cannot write {vault}: {error.strerror}") from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _sync_folder(folder)
    return vault


def refuse_leftovers(skill: str | os.PathLike[str]) -> None:
    """Return if no interrupted `write_vault` left its work folder in ``skill``, which would be signed.

    Raises: SigningError naming the folder to remove.
    """
    with contextlib.suppress(OSError), os.scandir(skill) as entries:  # what cannot be read is told by `read_skill`
        for entry in entries:
            if re.fullmatch(_LEFTOVER, entry.name):
                raise SigningError(f"{entry.path} was left by an interrupted signing: remove it and sign again")


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let Ctrl-C and its like wait for the few milliseconds of writing, so that no work folder is left."""
    import signal  # noqa: PLC0415 - only writing needs it

    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(new: Path, vault: Path) -> None:
    """Put ``new`` in the place of ``vault``; afterwards ``new`` is the old one, or gone."""
    if not os.path.lexists(vault):
        new.rename(vault)
    elif vault.is_symlink() or not vault.is_dir():
        raise NotADirectoryError(0, "it is there, and not a folder")
    elif not _exchange(new, vault):
        old = new.with_suffix(".old")
        vault.rename(old)
        try:
            new.rename(vault)
        except OSError:
            old.rename(vault)
            raise
        old.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; false if this platform or file system cannot."""
    import ctypes  # noqa: PLC0415 - only signing again needs it

    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return bool(libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(first, second, _RENAME_SWAP) == 0)
    return False


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced; the rename is done
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
