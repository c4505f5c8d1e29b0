"""The file of an audit log: created private, never followed through a link, continued only where it is whole."""

import fcntl
import os
import stat
from pathlib import Path

from attrs import frozen

from haldir_enforcer._auditlog.checking import TORN, parse_line
from haldir_enforcer._auditlog.lines import FIRST_PREV, MAX_LINE_BYTES
from haldir_enforcer.errors import AuditLogError

_COMMON = os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not hang us before it is refused


@frozen
class OpenLog:
    """An open, locked log file, and where its chain goes on."""

    descriptor: int
    seq: int
    prev: str


def open_log(path: Path) -> OpenLog:
    """Return the log at ``path``, made new (0600) or continued after its last line.

    Raises: AuditLogError if it is not a private regular file of ours, in use, or does not end with a whole line.
    """
    descriptor = _open(path)
    try:
        return _continue(descriptor, path)
    except BaseException:  # Ctrl-C too: nobody else would close it
        os.close(descriptor)
        raise


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise AuditLogError(f"audit log {path}: cannot be created: {error.strerror}; name another file") from error
    try:
        return os.open(path, os.O_RDWR | _COMMON)
    except OSError as error:
        raise AuditLogError(f"audit log {path}: cannot be opened: {error.strerror}; links are not followed") from error


def _continue(descriptor: int, path: Path) -> OpenLog:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise AuditLogError(f"audit log {path}: is no regular file; name another one")
    if status.st_uid != os.geteuid() or status.st_nlink != 1 or stat.S_IMODE(status.st_mode) & 0o077:
        raise AuditLogError(
            f"audit log {path}: must belong to this user alone (0600, no hard links); move it away or chmod it"
        )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise AuditLogError(f"audit log {path}: another run is writing it; name another file") from error
    try:
        size = os.fstat(descriptor).st_size  # after the lock: nobody else appends now
        return _after_last_line(descriptor, os.pread(descriptor, MAX_LINE_BYTES, max(0, size - MAX_LINE_BYTES)), path)
    except OSError as error:
        raise AuditLogError(f"audit log {path}: cannot be read: {error.strerror}") from error


def _after_last_line(descriptor: int, tail: bytes, path: Path) -> OpenLog:
    if not tail:
        return OpenLog(descriptor, 0, FIRST_PREV)
    *_, line, rest = b"\n", *tail.split(b"\n")
    try:
        last = parse_line(line if not rest else rest + TORN)
    except ValueError as error:
        raise AuditLogError(
            f"audit log {path}: cannot be continued, its last line is damaged ({error}); "
            "check it with enforce-log verify, and move it away"
        ) from error
    return OpenLog(descriptor, last.seq + 1, last.digest)
