"""The audit log: every grant and deny of a run as one line of canonical JSON, chained by hashes, its head signed.

A file holds one run after another.  The chain and the line numbers go on from run to run, so that no run can be taken
out, moved, or put in from another file; only whole runs at the end of a file can disappear unseen, by whoever may write
the file, unless the head is kept elsewhere.  A run without run.end (its writer was killed) shows as truncated for ever;
the next run may follow it.  A file whose last line is damaged is not continued.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from haldir_enforcer._auditlog.checking import TORN, LineError, LogVerification, check_lines
from haldir_enforcer._auditlog.files import open_log
from haldir_enforcer._auditlog.folding import Folder, Folding
from haldir_enforcer._auditlog.lines import FIRST_PREV, MAX_LINE_BYTES, LineWriter, RunIdentity, line_hash
from haldir_enforcer._auditlog.runid import new_run_id
from haldir_enforcer._auditlog.shape import COUNTED
from haldir_enforcer._auditlog.signature import sign_head
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import Action, By, Class, Decision, Event

if TYPE_CHECKING:
    from haldir_core.keys import PublicKey, Signer

__all__ = [
    "AuditLog",
    "Folding",
    "LineError",
    "LogVerification",
    "RunIdentity",
    "new_run_id",
    "verify_log",
]

Clock = Callable[[], datetime]

_OWN = (Action.RUN_START, Action.RUN_END)


class AuditLog:
    """The log of one run; `record` is its `Recorder`, and may be called from any thread.

    Every line is given to the kernel before `record` returns: what was decided stays on record when the supervisor
    dies.  After one failure nothing more is written, and every further event raises too.
    """

    def __init__(
        self,
        descriptor: int,
        identity: RunIdentity,
        *,
        clock: Clock,
        seq: int = 0,
        prev: str = FIRST_PREV,
        folding: Folding | None = None,
    ) -> None:
        """Write run.start to ``descriptor``, which this object closes; see `open` for files.

        Raises: AuditLogError if it cannot be written.
        """
        self._descriptor = descriptor
        self._writer = LineWriter(identity, seq=seq, prev=prev)
        self._clock = clock
        self._folder = Folder(folding or Folding())
        self._counts = dict.fromkeys(COUNTED, 0)
        self._lock = threading.Lock()
        self._failure: str | None = None
        self._write(self._writer.event_line(_own_event(Action.RUN_START, None), clock()))

    @classmethod
    def open(cls, path: Path, identity: RunIdentity, *, clock: Clock, folding: Folding | None = None) -> Self:
        """Return a log that writes a new run to ``path``: a new file (0600), or the end of a log of this user.

        Raises: AuditLogError if the file is not ours alone, in use, damaged, or cannot be written.
        """
        log = open_log(path)
        try:
            return cls(log.descriptor, identity, clock=clock, seq=log.seq, prev=log.prev, folding=folding)
        except AuditLogError as error:
            raise AuditLogError(f"audit log {path}: {error}") from error

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self._writer.prev

    def record(self, event: Event) -> None:
        """``event`` is in the log, or counted for the end of the run.

        Raises: AuditLogError if it cannot be kept; the run must end then.
        """
        if event.action in _OWN:
            raise AuditLogError(f"{event.action} is written by the log itself, not recorded")
        with self._lock:
            self._must_work()
            if self._folder.admits(event):
                self._keep(event)

    def close(self, detail: str | None = None, *, signer: "Signer | None" = None) -> str:
        """Write what was only counted and run.end (``detail`` says how the run ended), sign it; return the head.

        Raises: AuditLogError if it cannot be written; the log then shows as truncated.
        """
        with self._lock:
            self._must_work()
            for event in self._folder.rest():
                self._keep(event)
            members = self._writer.members(_own_event(Action.RUN_END, detail), self._clock())
            members |= {"counts": self._counts, "dropped": 0}
            signature = None if signer is None else sign_head(signer, line_hash(members))
            self._write(self._writer.line_of(members, signature))
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise self._broken(error) from error
            self._end("it is closed")
            return self._writer.prev

    def abandon(self) -> None:
        """Close the file without run.end, so that the run shows as truncated; nothing happens after `close`."""
        with self._lock:
            self._end("it was abandoned")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abandon a log that was not closed: only a run that ended in good order has a run.end."""
        self.abandon()

    def _keep(self, event: Event) -> None:
        line = self._writer.event_line(event, self._clock())
        self._write(line)
        self._folder.wrote(event, len(line))
        self._counts["lines"] += 1
        self._counts[event.decision.value] += event.count
        self._counts[event.kind.value] += event.count

    def _write(self, line: bytes) -> None:
        done = 0
        try:
            while done < len(line):
                done += os.write(self._descriptor, line[done:] if done else line)
        except OSError as error:
            self._take_back(done)
            raise self._broken(error) from error

    def _take_back(self, written: int) -> None:
        """Remove the beginning of a line that did not fit, so that the file still ends with a whole one."""
        if written:
            with suppress(OSError):  # the write error is raised in any case, and a reader sees a torn line
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)

    def _broken(self, error: OSError) -> AuditLogError:
        self._end(f"writing failed: {error.strerror}")
        return AuditLogError(f"cannot be written: {error.strerror}; the run ends, because it can no longer be recorded")

    def _end(self, why: str) -> None:
        if self._failure is None:
            self._failure = why
            os.close(self._descriptor)

    def _must_work(self) -> None:
        if self._failure is not None:
            raise AuditLogError(f"nothing more can be recorded in this audit log: {self._failure}")


def verify_log(source: Path | Iterable[bytes], keys: "Iterable[PublicKey]" = ()) -> LogVerification:
    """Return what the log at ``source`` (a file, or its lines) is worth; every run must be signed by one of ``keys``.

    Without ``keys`` signatures are not looked at.  It is read line by line, so its size does not matter.
    Bytes that are no log are errors of the result.

    Raises: AuditLogError if the file cannot be read.
    """
    known = {key.keyid: key for key in keys}
    if not isinstance(source, Path):
        return check_lines(source, known)
    try:
        return check_lines(_lines(source), known)
    except OSError as error:
        raise AuditLogError(f"audit log {source}: cannot be read: {error.strerror}") from error


def _lines(path: Path) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - opened by its descriptor, so that a FIFO does not hang
        while line := file.readline(MAX_LINE_BYTES + 1):
            if line.endswith(b"\n") or len(line) > MAX_LINE_BYTES:
                yield line
            else:
                yield line + TORN  # however good it looks


def _own_event(action: Action, detail: str | None) -> Event:
    return Event(
        action=action,
        decision=Decision.ALLOW,
        by=By.SUPERVISOR,
        kind=Class.DECLARED,
        pid=os.getpid(),
        ppid=os.getppid(),
        detail=detail,
    )
