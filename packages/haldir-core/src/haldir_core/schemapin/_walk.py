"""One reading of a folder that SchemaPin signs, its files hashed by two threads."""

import hashlib
import os
import stat
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_core._reading import _OPEN_FILE, _OPEN_FOLDER, CHUNK_BYTES, Reading, _Kind, _LimitReached, _read_at_most
from haldir_core.canonical import MAX_DOCUMENT_BYTES
from haldir_core.codes import ErrorCode
from haldir_core.digest import Digest
from haldir_core.errors import UnreadableError

if TYPE_CHECKING:
    from haldir_core.skill import Limits

SIGNATURE_FILE = ".schemapin.sig"
"""The file at the root of a skill that holds its signature; nothing below the root may have this name."""

SKILL_FILE = "SKILL.md"

SINGLE_THREAD_BYTES = 4 * 1024 * 1024
"""What one thread hashes before a second one starts: it takes 2 ms, and a thread pays from there on."""


@frozen
class FileRecord:
    """What was read of one file.

    Attributes:
        digest: SHA-256 of the UTF-8 path followed by the content, 32 bytes.
        size: bytes of the content.
        executable: whether its owner may execute it.
        content: SHA-256 of the content alone, where `ContentsReading` was asked for it.
    """

    digest: bytes
    size: int
    executable: bool
    content: Digest | None = None


@frozen
class _Job:
    """An open file that waits to be hashed."""

    fd: int
    path: str
    status: os.stat_result


class FolderReading(Reading):
    """A walk that hashes each file with its path.  Its attributes are what `SkillFolder` documents."""

    def __init__(self, limits: "Limits") -> None:
        super().__init__(limits)
        self.records: dict[str, FileRecord] = {}
        self.signature_file: bytes | None = None
        self.skill_file = b""
        self._order: list[str] = []
        self._lock = threading.Lock()
        self._ended = False
        self._failure: Exception | None = None

    def read(self, root: int) -> None:
        """Read everything below the descriptor ``root``.

        Raises: UnreadableError or OSError if something cannot be read.
        """
        jobs = self._jobs(root, "", 0)
        helper = threading.Thread(target=self._work, args=(jobs,), name="haldir-schemapin", daemon=True)
        try:
            if self._hash_jobs(jobs, SINGLE_THREAD_BYTES):
                with suppress(RuntimeError):  # no more threads for this process: one does it too
                    helper.start()
                self._hash_jobs(jobs, None)
        except _LimitReached:
            pass  # the problem has been noted
        finally:
            self._ended = True
            if helper.ident is not None:
                helper.join()
            jobs.close()
        if self._failure is not None:
            raise self._failure
        self.records = {path: self.records[path] for path in self._order if path in self.records}

    def _work(self, jobs: Iterator[_Job]) -> None:
        """Help to hash; what goes wrong is raised in the thread that waits."""
        try:
            self._hash_jobs(jobs, None)
        except _LimitReached:
            self._ended = True
        except (UnreadableError, OSError, MemoryError) as error:
            self._failure = error
            self._ended = True

    def _hash_jobs(self, jobs: Iterator[_Job], limit: int | None) -> bool:
        """Hash what ``jobs`` yields; true if there is more after ``limit`` bytes."""
        buffer = memoryview(bytearray(CHUNK_BYTES))
        count = 0
        while limit is None or count < limit:
            with self._lock:
                job = None if self._ended else next(jobs, None)
            if job is None:
                return False
            try:
                self._hash_job(job, buffer)
            finally:
                os.close(job.fd)
            count += job.status.st_size
        return True

    def _hash_job(self, job: _Job, buffer: memoryview) -> None:
        """Hash one file in pieces; one that changes meanwhile is a problem and has no record."""
        size = job.status.st_size
        digest, content = hashlib.sha256(job.path.encode("utf-8")), self._content_hash()
        length = 0
        while length <= size and (count := os.readv(job.fd, (buffer[: size + 1 - length],))):
            if length == 0 and job.path == SKILL_FILE:
                self.skill_file = bytes(buffer[:count])
            digest.update(buffer[:count])
            if content is not None:
                content.update(buffer[:count])
            length += count
        executable = bool(job.status.st_mode & stat.S_IXUSR)
        with self._lock:
            if self._unchanged(job.fd, job.status, length, job.path):
                alone = None if content is None else Digest(f"sha256:{content.hexdigest()}")
                self.records[job.path] = FileRecord(digest.digest(), size, executable, alone)
                self.skill_bytes += size

    def _content_hash(self) -> "hashlib._Hash | None":
        """Return what hashes the content of a file without its path, if that is wanted."""
        return None

    def _jobs(self, fd: int, prefix: str, depth: int) -> Generator[_Job, None, None]:
        """Open one file after the other, in the order of the SDKs: the files of a folder, then its folders."""
        folders = []
        for name, kind in self._entries(fd, prefix):
            path = prefix + name
            if name == SIGNATURE_FILE:
                self._signature(fd, path, kind)
            elif kind is _Kind.FILE:
                yield from self._opened_file(fd, name, path)
            elif kind is _Kind.FOLDER:
                folders.append(name)
        for name in folders:
            path = prefix + name
            if depth == self._limits.depth:
                self._stop(f"folders nested deeper than {depth} levels", path)
            with self._opened(fd, name, path, _OPEN_FOLDER) as folder:
                if folder is not None:
                    yield from self._jobs(folder, path + "/", depth + 1)

    def _opened_file(self, parent: int, name: str, path: str) -> Iterator[_Job]:
        fd = self._open(parent, name, path, _OPEN_FILE)
        if fd is None:
            return
        handed_over = False
        try:
            status = self._regular(fd, path)
            if status is not None:
                self._order.append(path)
                handed_over = True
                yield _Job(fd, path, status)
        finally:
            if not handed_over:
                os.close(fd)

    def _signature(self, parent: int, path: str, kind: _Kind) -> None:
        """Read the signature file of the root; anywhere below it the SDKs sign nothing that has this name."""
        if path != SIGNATURE_FILE:
            self._note(ErrorCode.UNSAFE_FILE, f"{path}: no SDK signs what is called {SIGNATURE_FILE}: remove it", path)
            return
        if kind is _Kind.FOLDER:
            self._note(ErrorCode.UNSAFE_FILE, f"{path} is a folder, and what is in it is signed by nobody", path)
            return
        with self._opened(parent, path, path, _OPEN_FILE) as fd:
            status = None if fd is None else self._regular(fd, path)
            if fd is None or status is None:
                return
            if status.st_size > MAX_DOCUMENT_BYTES:
                self._note(ErrorCode.LIMITS, f"{path} is larger than {MAX_DOCUMENT_BYTES} bytes", path)
                return
            data = _read_at_most(fd, MAX_DOCUMENT_BYTES)
            if self._unchanged(fd, status, len(data), path):
                self.signature_file = data

    def _note(self, code: ErrorCode, message: str, path: str | None) -> None:
        """Note a problem; hard links are none here, for package managers make them and no content hides in them."""
        if code is not ErrorCode.HARDLINK:
            super()._note(code, message, path)


class ContentsReading(FolderReading):
    """A walk that also hashes the content of each file alone, as Haldir does: for a comparison with its manifest."""

    def _content_hash(self) -> "hashlib._Hash":
        return hashlib.sha256()
