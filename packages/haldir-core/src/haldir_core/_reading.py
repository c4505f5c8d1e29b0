"""The walk behind `read_skill`: descriptors in, digests and problems out."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from haldir_core.codes import ErrorCode
from haldir_core.digest import Digest
from haldir_core.errors import Problem, UnreadableError
from haldir_core.vaultfiles import ALLOWED_NAMES, MAX_BYTES, VAULT

if TYPE_CHECKING:
    from haldir_core.skill import Limits

CHUNK_BYTES = 256 * 1024

MAX_PROBLEMS = 1000
"""Where reading stops: whoever has to look at a thousand links needs no more of them."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOUNS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a folder where a file was a moment ago",
}


class _Kind(Enum):
    """What a directory entry is, before anything is opened."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special"


class _LimitReached(Exception):  # noqa: N818 - it ends the walk, it is no error
    """Reading stops here; the problem has been noted."""


class Reading:
    """One walk through a skill folder.  Its attributes are what `SkillSnapshot` documents."""

    def __init__(self, limits: "Limits") -> None:
        self.files: dict[str, Digest] = {}
        self.skill_bytes = 0
        self.vault: dict[str, bytes] | None = None
        self.vault_names: list[str] = []
        self.vault_extras: list[str] = []
        self.problems: list[Problem] = []
        self.folder_count = 0
        self.path_bytes = 0
        self.vault_path_bytes = 0
        self._limits = limits
        self._file_count = 0
        self._all_bytes = 0

    def run(self, root: int, copy: Path | None) -> None:
        """Walk the folder that the descriptor ``root`` is open on, writing the copy if one is wanted."""
        try:
            self._vault(root)  # first, so that a limit which the skill exceeds does not hide that it is signed
            self.vault_path_bytes = self.path_bytes + (0 if self.vault is None else len(VAULT))
            if copy is None:
                self._folder(root, "", 0, None)
            else:
                os.mkdir(copy, 0o700)  # noqa: PTH102 - beside os.open on the same name
                with _descriptor(os.open(copy, _OPEN_FOLDER)) as target:
                    self._folder(root, "", 0, target)
        except _LimitReached:
            return

    def _folder(self, fd: int, prefix: str, depth: int, copy: int | None) -> None:
        folders = []
        for name, kind in self._entries(fd, prefix):
            path = prefix + name
            if path == VAULT:
                continue
            if kind is _Kind.FILE:
                self._file(fd, name, path, copy)
            elif kind is _Kind.FOLDER:
                folders.append(name)
        for name in folders:
            self._subfolder(fd, name, prefix + name, depth + 1, copy)

    def _entries(self, fd: int, prefix: str) -> list[tuple[str, _Kind]]:
        """List a folder, sorted by name; note links, special files and names that are not UTF-8."""
        found = []
        with os.scandir(fd) as entries:
            for entry in entries:
                kind = _kind(entry)
                if kind is _Kind.FOLDER:
                    self.folder_count += 1
                else:
                    self._file_count += 1
                if self._file_count > self._limits.files:
                    self._stop(f"more than {self._limits.files} files", prefix)
                if self.folder_count > self._limits.folders:
                    self._stop(f"more than {self._limits.folders} folders", prefix)
                found.append((entry.name, kind))
        self._limit_paths(prefix, [name for name, _ in found])
        found.sort(key=itemgetter(0))
        return [
            (name, kind)
            for name, kind in found
            if (kind is _Kind.FILE and name.isascii()) or self._acceptable(fd, name, prefix + name, kind)
        ]

    def _limit_paths(self, prefix: str, names: list[str]) -> None:
        """Stop if the paths are longer than a manifest can hold; long ones cost memory wherever they go."""
        outer = len(prefix.encode("utf-8", "surrogateescape"))
        self.path_bytes += outer * len(names) + len("".join(names).encode("utf-8", "surrogateescape"))
        if self.path_bytes > self._limits.all_path_bytes:
            self._stop(f"paths of more than {self._limits.all_path_bytes} bytes in all", prefix)
        longest = max(map(len, names), default=0)
        if outer + 4 * longest > self._limits.path_bytes:  # 4: the most bytes that a character takes
            for name in names:
                if outer + len(name.encode("utf-8", "surrogateescape")) > self._limits.path_bytes:
                    self._stop(f"a path of more than {self._limits.path_bytes} bytes", prefix)

    def _acceptable(self, parent: int, name: str, path: str, kind: _Kind) -> bool:
        """Note why an entry is not looked at any further; the root ``.vault`` always is."""
        if not name.isascii() and not _is_utf8(name):
            shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            self._note(ErrorCode.UNSAFE_FILE, f"the name of {shown} is not UTF-8", shown)
            return False
        if kind is _Kind.FILE or kind is _Kind.FOLDER:
            return True
        if path == VAULT and any(problem.path == VAULT for problem in self.problems):
            return True  # it became a link while it was opened, and that is noted
        if kind is _Kind.LINK:
            self._note(ErrorCode.SYMLINK, f"Symbolic link detected: {path}", path)
        else:
            noun = _noun(os.stat(name, dir_fd=parent, follow_symlinks=False))
            self._note(ErrorCode.UNSAFE_FILE, f"{path} is {noun}; a skill holds regular files only", path)
        return path.startswith(VAULT)

    def _subfolder(self, parent: int, name: str, path: str, depth: int, copy: int | None) -> None:
        if depth > self._limits.depth:
            self._stop(f"folders nested deeper than {self._limits.depth} levels", path)
        with self._opened(parent, name, path, _OPEN_FOLDER) as fd:
            if fd is None:
                return
            if copy is None:
                self._folder(fd, path + "/", depth, None)
                return
            os.mkdir(name, 0o700, dir_fd=copy)
            with _descriptor(os.open(name, _OPEN_FOLDER, dir_fd=copy)) as target:
                self._folder(fd, path + "/", depth, target)

    def _file(self, parent: int, name: str, path: str, copy: int | None) -> None:
        fd = self._open(parent, name, path, _OPEN_FILE)
        if fd is None:
            return
        try:
            status = self._regular(fd, path)
            if status is None:
                return
            if copy is None:
                digest = self._hash(fd, status, path, None)
            else:
                mode = 0o600 | (status.st_mode & stat.S_IXUSR)
                with _descriptor(os.open(name, _CREATE, mode, dir_fd=copy)) as target:
                    digest = self._hash(fd, status, path, target)
        finally:
            os.close(fd)
        if digest is not None:
            self.files[path] = digest
            self.skill_bytes += status.st_size

    def _vault(self, root: int) -> None:
        try:
            mode = os.stat(VAULT, dir_fd=root, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        self.vault = {}
        if not stat.S_ISDIR(mode):
            self.vault_extras.append(VAULT)
            return  # the walk notes what it is instead
        with self._opened(root, VAULT, VAULT, _OPEN_FOLDER) as fd:
            for name, inner in () if fd is None else self._entries(fd, VAULT + "/"):
                path = f"{VAULT}/{name}"
                if inner is not _Kind.FOLDER:
                    self.vault_names.append(name)
                if inner is _Kind.FOLDER or name not in ALLOWED_NAMES:
                    self.vault_extras.append(path)
                if fd is not None and inner is _Kind.FILE:
                    self._vault_file(fd, name, path)

    def _vault_file(self, parent: int, name: str, path: str) -> None:
        with self._opened(parent, name, path, _OPEN_FILE) as fd:
            status = None if fd is None else self._regular(fd, path)
            limit = MAX_BYTES.get(name)
            if fd is None or status is None or limit is None or self.vault is None:
                return
            if status.st_size > limit:
                self._note(ErrorCode.LIMITS, f"{path} is larger than {limit} bytes", path)
                return
            data = _read_at_most(fd, limit)
            if self._unchanged(fd, status, len(data), path):
                self.vault[name] = data

    def _regular(self, fd: int, path: str) -> os.stat_result | None:
        """Return the status of a regular file that may be read; note why it may not otherwise."""
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            self._note(ErrorCode.UNSAFE_FILE, f"{path} is {_noun(status)}; a skill holds regular files only", path)
            return None
        if status.st_nlink > 1:
            message = f"Hard link detected: {path} (another name of the same file can change it)"
            self._note(ErrorCode.HARDLINK, message, path)
        if status.st_size > self._limits.file_bytes:
            self._stop(f"larger than {self._limits.file_bytes} bytes", path)
        self._all_bytes += status.st_size
        if self._all_bytes > self._limits.total_bytes:
            self._stop(f"more than {self._limits.total_bytes} bytes in all", path)
        return status

    def _hash(self, fd: int, status: os.stat_result, path: str, copy: int | None) -> Digest | None:
        """Return the digest of an open file of the size that ``status`` says, writing it to ``copy`` too."""
        size = status.st_size
        chunk = os.read(fd, min(size + 1, CHUNK_BYTES))  # one more than there should be, to notice growth
        digest = hashlib.sha256(chunk)
        if copy is not None:
            _write_all(copy, chunk)
        if len(chunk) == size < CHUNK_BYTES:  # whole in one call: what was hashed is all that was there
            return Digest("sha256:" + digest.hexdigest())
        count = len(chunk)
        while chunk and count <= size:
            chunk = os.read(fd, min(size + 1 - count, CHUNK_BYTES))
            digest.update(chunk)
            if copy is not None:
                _write_all(copy, chunk)
            count += len(chunk)
        return Digest("sha256:" + digest.hexdigest()) if self._unchanged(fd, status, count, path) else None

    def _unchanged(self, fd: int, before: os.stat_result, count: int, path: str) -> bool:
        after = os.fstat(fd)
        if (count, after.st_size, after.st_mtime_ns) == (before.st_size, before.st_size, before.st_mtime_ns):
            return True
        self._note(ErrorCode.UNSAFE_FILE, f"{path} changed while it was read", path)
        return False

    @contextmanager
    def _opened(self, parent: int, name: str, path: str, flags: int) -> Iterator[int | None]:
        """Open an entry of ``parent`` as `_open` does, and close it again."""
        fd = self._open(parent, name, path, flags)
        try:
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def _open(self, parent: int, name: str, path: str, flags: int) -> int | None:
        """Open an entry of ``parent``; None, with the problem noted, if it has become a link meanwhile.

        Raises: UnreadableError if it cannot be opened for another reason.
        """
        try:
            return os.open(name, flags, dir_fd=parent)
        except OSError as error:
            if error.errno not in {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}:  # EMLINK: FreeBSD's word for ELOOP
                raise UnreadableError(f"cannot read {path} of the skill: {error.strerror}") from error
            self._note(ErrorCode.SYMLINK, f"Symbolic link detected: {path}", path)
            return None

    def _stop(self, reason: str, path: str) -> None:
        where = path.rstrip("/") or None
        self._note(ErrorCode.LIMITS, f"{where or 'the skill'}: {reason}", where)
        raise _LimitReached

    def _note(self, code: ErrorCode, message: str, path: str | None) -> None:
        self.problems.append(Problem(code, message, path))
        if len(self.problems) >= MAX_PROBLEMS and code is not ErrorCode.LIMITS:
            self._stop(f"more than {MAX_PROBLEMS} links and other problems", "")


def _kind(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_file(follow_symlinks=False):
        return _Kind.FILE
    if entry.is_dir(follow_symlinks=False):
        return _Kind.FOLDER
    return _Kind.LINK if entry.is_symlink() else _Kind.SPECIAL


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _noun(status: os.stat_result) -> str:
    return _NOUNS.get(stat.S_IFMT(status.st_mode), "no regular file")


@contextmanager
def _descriptor(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        os.close(fd)


def _read_at_most(fd: int, limit: int) -> bytes:
    chunks = []
    while limit >= 0 and (chunk := os.read(fd, min(limit + 1, CHUNK_BYTES))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
