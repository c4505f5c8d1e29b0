"""Records of a service, kept under their id and the moment of their last change."""

import contextlib
import hashlib
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Protocol

from haldir_auditor.vulnerabilities.records import RecordError, format_time, parse_time

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_KEPT = 5000
"""How many records are kept in memory: a lock of 2,000 packages has some hundred, with 5 kB each."""


class RecordCache(Protocol):
    """Keeps records, and may forget them."""

    def get(self, identifier: str, modified: datetime) -> object | None:
        """Return the document of a record as of a moment, None if it is not kept."""
        ...

    def put(self, identifier: str, modified: datetime, document: object) -> None:
        """Keep a document."""
        ...


class MemoryCache:
    """Keeps the records that came last, as long as it lives."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[tuple[str, datetime], object] = {}

    def get(self, identifier: str, modified: datetime) -> object | None:
        """Return the document of a record as of a moment, None if it is not kept."""
        return self._kept.get((identifier, modified))

    def put(self, identifier: str, modified: datetime, document: object) -> None:
        """Keep a document."""
        self._kept[identifier, modified] = document
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]


class FolderCache:
    """Keeps records as files, for their owner only; each begins with the digest of the rest.

    A file that cannot be read, or is not what was written, counts as not kept; one that cannot be written is not kept.
    """

    def __init__(self, folder: Path) -> None:
        """Take a folder, which is made when something is kept."""
        self._folder = folder

    def get(self, identifier: str, modified: datetime) -> object | None:
        """Return the document of a record as of a moment, None if it is not kept."""
        try:
            with self._path(identifier, modified).open("rb") as file:
                data = file.read(MAX_FILE_BYTES)
            digest, _, body = data.partition(b"\n")
            document: object = json.loads(body)
        except (OSError, ValueError, RecursionError):
            return None
        if digest != _digest(body) or not _is_of(document, identifier, modified):
            return None
        return document

    def put(self, identifier: str, modified: datetime, document: object) -> None:
        """Keep a document."""
        body = json.dumps(document, separators=(",", ":")).encode()
        with contextlib.suppress(OSError):  # a full disk makes it slower, and nothing else
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, name = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(fd, "wb") as file:
                    file.write(_digest(body) + b"\n" + body)
                Path(name).replace(self._path(identifier, modified))
            finally:
                Path(name).unlink(missing_ok=True)

    def _path(self, identifier: str, modified: datetime) -> Path:
        key = f"{identifier}\n{format_time(modified)}".encode()
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.record"


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _is_of(document: object, identifier: str, modified: datetime) -> bool:
    if not isinstance(document, dict) or document.get("id") != identifier:
        return False
    try:
        return parse_time(document.get("modified")) == modified
    except RecordError:
        return False
