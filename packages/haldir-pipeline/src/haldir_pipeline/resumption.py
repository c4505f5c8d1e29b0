"""Finished layers of an unfinished run, kept in a private folder, so that a killed vetting goes on where it was."""

import contextlib
import hashlib
import os
import stat
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from attrs import frozen

from haldir_core import HaldirError, MalformedError, Timestamp
from haldir_core.canonical import JsonObject, canonical_bytes, parse_object
from haldir_pipeline.outcomes import RAN, Outcome, read_outcome

MAX_BYTES = 8 * 1024 * 1024
MAX_AGE = timedelta(hours=24)
"""What is older is not used, and removed: vulnerabilities become known meanwhile."""
_SUFFIX = ".layer"


class Lasting(Enum):
    """How long entries are kept."""

    VETTING = "vetting"
    """Until the vetting has a result."""
    RUN = "run"
    """Until somebody removes the folder: a run over many skills goes on where it was."""


class ResumptionError(HaldirError):
    """The folder of unfinished runs cannot be used; the message says why and what to do."""


@frozen
class Kept:
    """An outcome that was kept, and when the vetting began in which it was made."""

    outcome: Outcome
    began: Timestamp


@frozen
class Resumption:
    """The folder of unfinished runs; only its owner may enter it.

    An entry that is damaged, too old, open to others, or no regular file of this user is as if it were not there.
    """

    folder: Path
    lasting: Lasting = Lasting.VETTING
    max_age: timedelta = MAX_AGE

    def find(self, key: str, now: datetime) -> Kept | None:
        """Return what was kept under ``key``, if that is whole and fresh."""
        try:
            data = _read(self._path(key))
            digest, _, content = data.partition(b"\n")
            if digest.decode("ascii", "replace") != hashlib.sha256(content).hexdigest():
                return None
            members = parse_object(content, "entry", max_bytes=MAX_BYTES)
            kept = Kept(read_outcome(members["outcome"]), Timestamp.parse(str(members["began"])))
        except (OSError, ValueError, KeyError, MalformedError):
            return None
        is_fresh = timedelta() <= now - kept.began.moment <= self.max_age
        return kept if members["key"] == key and is_fresh and kept.outcome.state in RAN else None

    def keep(self, key: str, outcome: Outcome, began: Timestamp) -> None:
        """Write an outcome, all of it or nothing; what cannot be kept is not, and costs only time.

        Raises: ResumptionError if the folder belongs to others or may be read by them.
        """
        if outcome.state not in RAN:
            return
        if not self._is_ready():
            return
        with contextlib.suppress(OSError, MalformedError):
            content = canonical_bytes({"key": key, "began": began.text, "outcome": outcome.to_json()})
            _write(self._path(key), hashlib.sha256(content).hexdigest().encode() + b"\n" + content)

    def forget(self, *keys: str) -> None:
        """Remove what was kept under ``keys``, and the folder if nothing else is in it, unless it lasts longer."""
        if self.lasting is Lasting.RUN:
            return
        for key in keys:
            with contextlib.suppress(OSError):
                self._path(key).unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def prune(self, now: datetime) -> None:
        """Remove entries that are too old to be used."""
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                age = now.timestamp() - entry.stat(follow_symlinks=False).st_mtime
                if entry.name.endswith((_SUFFIX, ".new")) and age > self.max_age.total_seconds():
                    Path(entry.path).unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _is_ready(self) -> bool:
        """Make the folder; whether that is possible.

        Raises: ResumptionError if there is one that others may enter.
        """
        try:
            for missing in reversed([path for path in (self.folder, *self.folder.parents) if not path.exists()]):
                missing.mkdir(mode=0o700, exist_ok=True)
            status = self.folder.lstat()
        except OSError:  # the home of the user cannot be written
            return False
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise ResumptionError(
                f"{self.folder} is not used for unfinished runs, because others could enter it: look at it, then "
                "remove it, or make it yours alone (chmod 700)"
            )
        return True


def entry_key(parts: JsonObject) -> str:
    """Return the key of a layer's outcome: a digest of all that it depends on."""
    return hashlib.sha256(canonical_bytes(parts)).hexdigest()


def _read(path: Path) -> bytes:
    """Return a private file of this user.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is another kind of file, somebody else's, or too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise ValueError("not a private file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    return data


def _write(path: Path, data: bytes) -> None:
    new = path.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        new.replace(path)  # without fsync: what a power cut damages is as if it were not there
    finally:
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
