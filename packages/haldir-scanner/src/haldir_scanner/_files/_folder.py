"""The files of a folder, read through directory descriptors, so that no link is followed."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from haldir_scanner._errors import UnreadableError
from haldir_scanner._files._budget import Budget
from haldir_scanner._files._part import EVERYTHING, Part
from haldir_scanner._text import Notice

# O_NONBLOCK: opening a FIFO must not wait for a writer, should one take the place of a file after it was looked at.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_VAULT = ".vault"


@frozen
class Content:
    """The bytes of one regular file, as many as the limits allow; ``path`` is relative and may hold surrogates."""

    path: str
    data: bytes


def read_path(path: Path, budget: Budget, part: Part = EVERYTHING) -> Iterator[Content | Notice]:
    """The content of a file or of every file below a folder, and a notice for everything that is no plain file.

    Only the folder ``.vault`` directly below ``path`` is left out, and what is not in ``part`` of a folder.

    Raises: UnreadableError if ``path`` or something below it is missing or cannot be read.
    """
    try:
        # A link given by the caller is the caller's choice; no other link is followed.
        path = Path(os.path.realpath(path, strict=True))
        entry = _Entry(descriptor=None, name=os.fspath(path), path=path.name, depth=0)
        if stat.S_ISDIR(path.stat().st_mode):
            yield from _folder(entry, budget, part)
        else:
            yield from _other(entry, budget)
    except OSError as error:
        # What was opened below the folder names itself relative to it.
        is_below = isinstance(error.filename, str) and error.filename != os.fspath(path)
        where = path / error.filename if is_below else path
        raise UnreadableError(os.fspath(where), error.strerror or str(error)) from error


@frozen
class _Entry:
    """A name in an open folder (``descriptor``), and where it stands below the scanned one."""

    descriptor: int | None
    name: str
    path: str
    depth: int

    def open(self, flags: int = _OPEN) -> int:
        try:
            return os.open(self.name, flags, dir_fd=self.descriptor)
        except OSError as error:
            raise self._failed(error) from error

    def mode(self) -> int:
        try:
            return os.stat(self.name, dir_fd=self.descriptor, follow_symlinks=False).st_mode
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> OSError:
        """The same error, naming the whole path."""
        return OSError(error.errno, error.strerror, self.name if self.descriptor is None else self.path)


def _folder(entry: _Entry, budget: Budget, part: Part) -> Iterator[Content | Notice]:
    descriptor = entry.open(_OPEN | os.O_DIRECTORY)
    try:
        for name in sorted(_names(descriptor, budget), key=_instructions_first):
            path = name if entry.depth == 0 else f"{entry.path}/{name}"
            below = _Entry(descriptor, name, path, entry.depth + 1)
            if not part.takes(path) or (path == _VAULT and stat.S_ISDIR(below.mode())):
                continue
            yield from budget.enter(path)
            if budget.is_spent():
                return
            yield from _below(below, budget, part)
            if budget.is_spent():
                return
    finally:
        os.close(descriptor)


def _instructions_first(name: str) -> tuple[bool, str]:
    """Sort key: what the agent reads first has the first right to be parsed."""
    return name.lower() != "skill.md", name


def _names(descriptor: int, budget: Budget) -> Iterator[str]:
    """At most as many names as the budget can take, and a few more, so that a huge folder is not listed wholly."""
    with os.scandir(descriptor) as entries:
        for count, entry in enumerate(entries):
            yield entry.name
            if count > budget.limits.max_files + 1:
                return


def _below(entry: _Entry, budget: Budget, part: Part) -> Iterator[Content | Notice]:
    if not stat.S_ISDIR(entry.mode()):
        yield from _other(entry, budget)
    elif entry.depth > budget.limits.max_depth:
        yield Notice("limit_depth", entry.path)
    else:
        yield from _folder(entry, budget, part)


def _other(entry: _Entry, budget: Budget) -> Iterator[Content | Notice]:
    mode = entry.mode()
    if stat.S_ISLNK(mode):
        yield Notice("symbolic_link", entry.path)
    elif not stat.S_ISREG(mode):
        yield Notice("special_file", entry.path)
    else:
        yield from _file(entry, budget)


def _file(entry: _Entry, budget: Budget) -> Iterator[Content | Notice]:
    with open(entry.open(), "rb") as file:  # noqa: PTH123 - a descriptor, no path
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield Notice("special_file", entry.path)
            return
        allowed = budget.next_bytes
        data = file.read(allowed + 1)
    yield from budget.read(entry.path, len(data))
    yield Content(entry.path, data[:allowed])


def folder_name(path: Path) -> str:
    """The name of the folder at ``path``; empty if there is none."""
    try:
        return path.resolve().name if path.is_dir() else ""
    except OSError:  # a name that is too long
        return ""


def read_below(root: Path, path: str, most: int) -> bytes | None:
    """At most ``most`` bytes of the regular file at the relative ``path`` below ``root``; None if there is none.

    No link below ``root`` is followed.
    """
    names = path.split("/")
    if not all(names) or not {".", ".."}.isdisjoint(names):
        return None
    with contextlib.ExitStack() as opened:
        try:
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)
            for name in names[:-1]:
                descriptor = os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=descriptor)
                opened.callback(os.close, descriptor)
            with open(os.open(names[-1], _OPEN, dir_fd=descriptor), "rb") as file:  # noqa: PTH123 - a descriptor, no path
                return file.read(most) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
        except OSError:
            return None
