"""Files that the program keeps for itself: their owner's alone, never reached through a link, appended under a lock."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_COMMON = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # a FIFO must not hang us before it is refused


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` and what is missing above it, for their owner only.

    Raises: OSError if that is impossible, or others may write the folder.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} must be a folder of this user that nobody else can write")


@contextlib.contextmanager
def open_private(path: Path) -> Iterator[int]:
    """Open a file for reading and appending, made new (0600) if it is missing, and hold its lock meanwhile.

    Raises: OSError if it is a link or no regular file, or others may read or write it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _COMMON, 0o600)
    try:
        _refuse_shared(path, os.fstat(descriptor))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def append_line(descriptor: int, line: bytes) -> None:
    """Append a line; where the file ends within one, that one is ended first.

    Raises: OSError, also if the disk took a part of it only.
    """
    size = os.fstat(descriptor).st_size
    torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    data = (b"\n" if torn else b"") + line + b"\n"
    if os.write(descriptor, data) != len(data):
        raise OSError("the disk is full")


def read_from(descriptor: int, offset: int) -> bytes:
    """Return the whole lines of a file from ``offset`` on.

    Raises: OSError
    """
    pieces = []
    while piece := os.pread(descriptor, 1 << 20, offset):
        pieces.append(piece)
        offset += len(piece)
    data = b"".join(pieces)
    return data[: data.rfind(b"\n") + 1]


def read_private(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file that nobody else may write.

    Raises: OSError if it is missing, a link, no regular file, too large or others may write it.
    """
    descriptor = os.open(path, os.O_RDONLY | _COMMON)
    try:
        _refuse_shared(path, os.fstat(descriptor))
        data = b""
        while len(data) <= max_bytes and (piece := os.read(descriptor, max_bytes + 1 - len(data))):
            data += piece
    finally:
        os.close(descriptor)
    if len(data) > max_bytes:
        raise OSError(f"{path} is larger than {max_bytes} bytes")
    return data


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError(
            f"{path} must be a regular file of this user alone: run chmod 600 {path}, or move it away"
        )
