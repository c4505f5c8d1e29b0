"""Reads the files of a folder, and follows no link out of it."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field, frozen

from haldir_auditor._readers import is_opaque, lock_reader, manifest_reader
from haldir_auditor._syntax.texts import looks_binary
from haldir_auditor.supply import Place, Problem

_HEAD = 8_192  # what decides whether a large file is text


@frozen
class Limits:
    """How much of a folder is read."""

    max_files: int = 20_000
    max_depth: int = 50
    max_file_bytes: int = 20_000_000
    max_bytes: int = 500_000_000


DEFAULT_LIMITS = Limits()


@frozen
class FolderFiles:
    """The bytes of the files of a folder by path, and what was not read."""

    files: Mapping[str, bytes]
    problems: tuple[Problem, ...]


def read_files(folder: Path, limits: Limits = DEFAULT_LIMITS) -> FolderFiles:
    """Return the bytes of the regular files below ``folder`` by path, and what was not read.

    A name that is no text is written with escapes.  Symbolic links are not followed; one to a file of the folder is a
    problem if it stands for a manifest, any other always.  A binary file larger than the limit is left out: nothing
    would read it.

    Raises:
        OSError: if ``folder`` itself cannot be listed.
    """
    walk = _Walk(os.path.realpath(folder), limits)
    walk.enter(os.fsencode(folder), "", 0)
    return FolderFiles(walk.files, tuple(walk.problems))


@define
class _Walk:
    root: str
    limits: Limits
    files: dict[str, bytes] = field(factory=dict)
    problems: list[Problem] = field(factory=list)
    entries: int = 0
    size: int = 0

    def enter(self, folder: bytes, path: str, depth: int) -> None:
        waiting = [(folder, path, depth)]
        while waiting:
            here, path, depth = waiting.pop()
            try:
                names = sorted(os.listdir(here))  # noqa: PTH208 - as bytes, for any name there may be
            except OSError as error:
                if not depth:
                    raise
                self._problem(path, f"the folder cannot be listed: {error.strerror}")
                continue
            waiting.extend(self._folders(here, names, path, depth))

    def _folders(self, here: bytes, names: list[bytes], path: str, depth: int) -> Iterator[tuple[bytes, str, int]]:
        """Read the files among the names; yield the folders."""
        for name in names:
            self.entries += 1
            full = here + b"/" + name
            below = f"{path}/{_text(name)}" if path else _text(name)
            if self.entries > self.limits.max_files:
                self._problem(path, f"more than {self.limits.max_files} files: the rest is not read", "too-large")
                return
            mode = self._mode(full, below)
            if stat.S_ISDIR(mode) and depth < self.limits.max_depth:
                yield full, below, depth + 1
            elif stat.S_ISDIR(mode):
                self._problem(below, f"more than {self.limits.max_depth} folders deep: not read", "too-large")
            elif stat.S_ISREG(mode):
                self._file(full, below)
            elif stat.S_ISLNK(mode):
                self._link(full, below)
            elif mode:
                self._problem(below, "neither a file nor a folder: not read", "opaque")

    def _mode(self, full: bytes, path: str) -> int:
        try:
            return os.lstat(full).st_mode
        except OSError as error:
            self._problem(path, f"cannot be looked at: {error.strerror}")
            return 0

    def _file(self, full: bytes, path: str) -> None:
        if path in self.files:
            self._problem(path, "another file has this name when it is written as text")
            return
        try:
            # O_NOFOLLOW and O_NONBLOCK: it may have become a link or a FIFO since it was looked at.
            with open(os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    self._problem(path, "neither a file nor a folder: not read", "opaque")
                    return
                data = file.read(self.limits.max_file_bytes + 1)
        except OSError as error:
            self._problem(path, f"cannot be read: {error.strerror}")
            return
        self._keep(path, data)

    def _keep(self, path: str, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.limits.max_bytes:
            self._problem(path, f"more than {self.limits.max_bytes} bytes in all: not read", "too-large")
        elif len(data) <= self.limits.max_file_bytes:
            self.files[path] = data
        elif _is_known(path) or not looks_binary(data[:_HEAD]):
            self._problem(path, f"more than {self.limits.max_file_bytes} bytes: not read", "too-large")

    def _link(self, full: bytes, path: str) -> None:
        try:
            target = os.fsdecode(os.path.realpath(full, strict=True))
        except OSError:
            target = ""
        if not target.startswith(f"{self.root}/"):
            self._problem(path, "a link that leads out of the skill, or nowhere: it is not followed", "outside")
        elif _is_known(path):
            self._problem(path, "a link in place of a file that declares dependencies: it is not followed", "opaque")

    def _problem(self, path: str, message: str, kind: str = "unparsable") -> None:
        self.problems.append(Problem(kind, message, Place(path)))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _is_known(path: str) -> bool:
    return bool(lock_reader(path) or manifest_reader(path)) or is_opaque(path)
