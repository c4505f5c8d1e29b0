"""Answers that were paid for once, kept for the same question about the same content."""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from attrs import define, frozen

from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes, parse_object
from haldir_core.digest import sha256
from haldir_core.errors import MalformedError
from haldir_reviewer.model import ProviderError
from haldir_reviewer.privatefiles import make_private_folder, open_private, read_private

MAX_ENTRY_BYTES = 4 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}\.json")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class CacheError(ProviderError):
    """The folder of the cache is not this user's alone."""


@frozen(kw_only=True)
class CacheKey:
    """All that an answer depends on.

    ``content`` is the digest of what was reviewed, ``parameters`` whatever was sent beside it.
    """

    content: str
    prompt_version: str
    model: str
    parameters: JsonObject
    schema: JsonObject

    @property
    def digest(self) -> str:
        """The SHA-256 of the key, as 64 hexadecimal characters."""
        members: JsonObject = {
            "content": self.content,
            "prompt_version": self.prompt_version,
            "model": self.model,
            "parameters": self.parameters,
            "schema": self.schema,
        }
        return _hex(canonical_bytes(members))


@define
class AnswerCache:
    """A folder with one file for each answer, for its owner only."""

    _folder: Path
    _max_bytes: int = 64 * 1024 * 1024
    _known_bytes: int | None = None

    def secret(self, fresh: bytes) -> bytes:
        """Return the secret bytes of this cache, as many as ``fresh``, which become them if there are none yet.

        Raises: CacheError if others can read it, or it cannot be written.
        """
        self._open()
        path = self._folder / "secret"
        try:
            with open_private(path) as descriptor:
                kept = os.pread(descriptor, len(fresh), 0)
                if len(kept) < len(fresh):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, fresh)
                    kept = fresh
        except OSError as error:
            raise CacheError(f"the cache {self._folder} cannot be used: {error.strerror or error}") from error
        return kept

    def find(self, key: CacheKey) -> JsonObject | None:
        """Return the answer that is kept under ``key``; None if there is none, or it is damaged.

        Raises: CacheError if others can write the folder.
        """
        self._open()
        path = self._path(key.digest)
        try:
            members = parse_object(read_private(path, MAX_ENTRY_BYTES), path.name)
            answer = members.get("answer")
            if not isinstance(answer, dict) or members != _entry(key.digest, answer):
                return None
        except (OSError, MalformedError):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # so that the oldest in use is the first to go
        return answer

    def keep(self, key: CacheKey, answer: Mapping[str, JsonValue]) -> None:
        """Keep ``answer`` under ``key``, and drop those unused for longest if there are too many bytes.

        What cannot be written is not kept: the question will be asked again.

        Raises: CacheError if others can write the folder.
        """
        self._open()
        data = canonical_bytes(_entry(key.digest, dict(answer)))
        if len(data) > min(MAX_ENTRY_BYTES, self._max_bytes):
            return
        with contextlib.suppress(OSError):
            self._replace(self._path(key.digest), data)
            self._known_bytes = None if self._known_bytes is None else self._known_bytes + len(data)
            if self._known_bytes is None or self._known_bytes > self._max_bytes:
                self._known_bytes = self._shrink()

    def _open(self) -> None:
        try:
            make_private_folder(self._folder)
        except OSError as error:
            raise CacheError(f"the cache {self._folder} cannot be used: {error.strerror or error}") from error

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"

    def _replace(self, path: Path, data: bytes) -> None:
        new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(new, _NEW, 0o600), "wb") as file:
                file.write(data)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def _shrink(self) -> int:
        """Remove what is too much, and return how many bytes are left; others may be writing at the same time."""
        found = [entry for entry in os.scandir(self._folder) if _NAME.fullmatch(entry.name)]
        stats = sorted(
            (entry.stat(follow_symlinks=False).st_mtime_ns, entry.stat().st_size, entry.path) for entry in found
        )
        total = sum(size for _, size, _ in stats)
        for _, size, path in stats:
            if total <= self._max_bytes:
                break
            Path(path).unlink(missing_ok=True)
            total -= size
        return total


def _entry(digest: str, answer: JsonObject) -> JsonObject:
    """Return the content of a file; the sum shows what a disk or a crash has changed."""
    return {"key": digest, "answer": answer, "sum": _hex(canonical_bytes(answer))}


def _hex(data: bytes) -> str:
    return str(sha256(data)).removeprefix("sha256:")
