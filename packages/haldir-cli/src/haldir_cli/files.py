"""Reading and replacing the files that a user names or the program keeps."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from haldir_core.canonical import MAX_DOCUMENT_BYTES
from haldir_core.errors import UnreadableError


def read_file(path: Path, noun: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a regular file.

    Raises: UnreadableError saying which ``noun`` cannot be read and why.
    """
    try:
        data = read_beginning(path, max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot read the {noun} {path}: {reason}") from error
    if len(data) > max_bytes:
        raise UnreadableError(f"cannot read the {noun} {path}: larger than {max_bytes} bytes")
    return data


def read_beginning(path: Path, count: int, *, flags: int = 0) -> bytes:
    """Return the first ``count`` bytes of a regular file, opened with ``flags`` too; a FIFO cannot make this wait.

    Raises:
        OSError: if it cannot be opened or read.
        ValueError: if its name has a NUL, or it is not a regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | flags)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("not a regular file")
        data = b""
        while len(data) < count and (more := os.read(fd, count - len(data))):
            data += more
        return data
    finally:
        os.close(fd)


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Make ``data`` the content of ``path`` in one step, with ``mode`` (less the umask).

    Raises: UnreadableError if something else than a regular file is at ``path``, or its folder is missing
        or cannot be written; then ``path`` is what it was.
    """
    refuse_special(path)
    real = path.resolve()  # a link to a file stays a link
    new = real.with_name(f".{real.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(real)
    except OSError as error:
        raise UnreadableError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # it is there still if something failed, or somebody pressed Ctrl-C
            new.unlink()


def refuse_special(path: Path) -> None:
    """Return if a file can be written at ``path``: there is none yet, or a regular one.

    Raises: UnreadableError otherwise; a device or a folder is never replaced.
    """
    if not path.name or (path.exists() and not path.is_file()):
        raise UnreadableError(f"cannot write a file at {str(path)!r}: it is no regular file")


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` and those above it that are missing, all for their owner only.

    Raises: OSError if that is impossible.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Hold the lock under which the file at ``path`` is read and replaced in one step among processes.

    Yields the path without links, so that two names of one file have one lock.
    """
    real = path.resolve()
    fd = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield real
    finally:
        os.close(fd)
