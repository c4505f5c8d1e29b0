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
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot read the {noun} {path}: {reason}") from error
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnreadableError(f"cannot read the {noun} {path}: not a regular file")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise UnreadableError(f"cannot read the {noun} {path}: larger than {max_bytes} bytes")
    return data


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Make ``data`` the content of ``path`` in one step, with ``mode`` (less the umask).

    Raises: OSError if the folder is missing or cannot be written; then ``path`` is what it was.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, so that reading and replacing a file in it is one step among processes."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
