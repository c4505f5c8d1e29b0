"""Reading and replacing the files that a user names or the program keeps."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from haldir_core.canonical import MAX_DOCUMENT_BYTES
from haldir_core.errors import MalformedError, UnreadableError

Document = TypeVar("Document")

LOCK_SECONDS = 10
LOCK_PAUSE_SECONDS = 0.02


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


def read_document(path: Path, noun: str, parse: Callable[[bytes], Document]) -> Document:
    """Return what ``parse`` makes of a file.

    Raises: UnreadableError naming the file, if it cannot be read or is no ``noun``.
    """
    data = read_file(path, noun)
    try:
        return parse(data)
    except MalformedError as error:
        raise UnreadableError(f"{path} is no {noun}: {error.reason}") from error


def read_beginning(
    path: Path, count: int, *, flags: int = 0, examine: Callable[[os.stat_result], None] = lambda _: None
) -> bytes:
    """Return the first ``count`` bytes of a regular file, opened with ``flags`` too; a FIFO cannot make this wait.

    ``examine`` sees the status of the open file before it is read, and may raise.

    Raises:
        OSError: if it cannot be opened or read.
        ValueError: if its name has a NUL, or it is not a regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | flags)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        examine(status)
        data = b""
        while len(data) < count and (more := os.read(fd, count - len(data))):
            data += more
        return data
    finally:
        os.close(fd)


def read_state(path: Path, noun: str, *, within: Path) -> bytes | None:
    """Return the bytes of a file that the program keeps for itself below the folder ``within``; None if there is none.

    What is examined and what is read is the same open file, and the folders on the way are the user's alone.

    Raises: UnreadableError if it is a link, cannot be read, or others could have written it or a folder on the way.
    """
    folders = [folder for folder in reversed(path.parents) if folder == within or within in folder.parents]
    try:
        for folder in folders:
            _refuse_shared(folder, folder.stat(), noun)
        return read_beginning(
            path, MAX_DOCUMENT_BYTES + 1, flags=os.O_NOFOLLOW, examine=lambda status: _refuse_shared(path, status, noun)
        )
    except FileNotFoundError as error:
        astray = [folder for folder in folders if folder.is_symlink() and not folder.exists()]
        if astray:
            raise UnreadableError(f"cannot read the {noun}: {astray[0]} is a link that leads nowhere") from error
        return None
    except ValueError as error:
        raise UnreadableError(f"cannot read the {noun} {path}: {error}") from error
    except OSError as error:
        if path.is_symlink():
            raise UnreadableError(f"the {noun} is not used: {path} is a link, and is not followed") from error
        raise UnreadableError(f"cannot read the {noun} {path}: {error.strerror}") from error


def _refuse_shared(place: Path, status: os.stat_result, noun: str) -> None:
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
        raise UnreadableError(
            f"the {noun} is not used, because others could have written {place}: look at it, "
            f"then make it yours and writable by nobody else (chmod go-w {place})"
        )


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Make ``data`` the content of ``path`` in one step, with ``mode`` (less the umask).

    A link to a file stays a link, and the file that it leads to is replaced.

    Raises: UnreadableError if something else than a regular file is at ``path``, or its folder is missing
        or cannot be written; then ``path`` is what it was.
    """
    with destination(path) as found:
        found.replace(data, mode=mode)


@contextlib.contextmanager
def destination(path: Path) -> Iterator["Destination"]:
    """Hold the place that ``path`` leads to now, until the end of the block.

    Raises: UnreadableError as `replace_file` does.
    """
    refuse_special(path)
    real = path.resolve()
    try:
        folder = os.open(real.parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield Destination(path, folder, real.name)
    finally:
        os.close(folder)


@frozen(eq=False)
class Destination:
    """A name in a held folder: whoever makes it a link in the meantime has it replaced, not followed."""

    path: Path
    _folder: int
    _name: str

    def replace(self, data: bytes, *, mode: int) -> None:
        """Make ``data`` the content of the file in one step, with ``mode`` (less the umask).

        Raises: UnreadableError if it cannot be written; then it is what it was.
        """
        new = f".{self._name}.{os.urandom(8).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(new, flags, mode, dir_fd=self._folder), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            raise UnreadableError(f"cannot write {self.path}: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):  # it is there still if something failed, or somebody pressed Ctrl-C
                os.unlink(new, dir_fd=self._folder)


def refuse_special(path: Path) -> None:
    """Return if a file can be written at ``path``: there is none yet, or a regular one.

    Raises: UnreadableError otherwise; a device or a folder is never replaced.
    """
    if not path.name or (path.exists() and not path.is_file()):
        raise UnreadableError(f"cannot write a file at {str(path)!r}: it is no regular file")


def refuse_link(path: Path) -> None:
    """Return if ``path`` is no link.

    Raises: UnreadableError otherwise; what the program keeps for itself goes where it says.
    """
    if path.is_symlink():
        raise UnreadableError(f"{path} is a link, and is not followed")


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` and those above it that are missing, all for their owner only.

    Raises: UnreadableError if that is impossible.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        try:
            missing.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise UnreadableError(f"cannot make the folder {missing}: {error.strerror}") from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Hold the lock under which the file at ``path`` is read and replaced in one step among processes.

    Yields the path without links, so that two names of one file have one lock.

    Raises: UnreadableError if the folder cannot be opened, or somebody else holds the lock for too long.
    """
    real = path.resolve()
    if path.is_symlink() and not real.exists():
        raise UnreadableError(f"{path} is a link that leads nowhere")
    try:
        fd = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(f"cannot open the folder of {path}: {error.strerror}") from error
    try:
        _lock(fd, real.parent)
        yield real
    finally:
        os.close(fd)


def _lock(fd: int, folder: Path) -> None:
    for _ in range(int(LOCK_SECONDS / LOCK_PAUSE_SECONDS)):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
    raise UnreadableError(f"somebody else has locked {folder} for more than {LOCK_SECONDS} seconds: try again later")
