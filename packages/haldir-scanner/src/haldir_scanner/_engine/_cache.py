"""The user's cache of compiled databases.

A database is native memory of this machine: it is built here, kept in a folder that only this user can write to, and
never taken from anywhere else.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from attrs import frozen

_DIGEST_BYTES = 32
_MAX_BYTES = 256 * 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@frozen
class FolderStore:
    """Databases as files; each begins with the SHA-256 of the rest, so that a damaged one is not used."""

    folder: Path

    def load(self, key: str) -> bytes | None:
        """The database of that key; None if there is none, or it is damaged, or others could have written it."""
        try:
            with open(os.open(self._path(key), _OPEN), "rb") as file:  # noqa: PTH123 - a descriptor, no path
                if not _is_ours(os.fstat(file.fileno())):
                    return None
                stored = file.read(_MAX_BYTES + 1)
        except OSError:
            return None
        digest, data = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return data if hmac.compare_digest(digest, hashlib.sha256(data).digest()) else None

    def save(self, key: str, data: bytes) -> None:
        """Keep ``data``; where the folder cannot be written, nothing is kept and the next scan builds it again."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _is_ours(self.folder.stat()):
                return
            self._write(key, hashlib.sha256(data).digest() + data)

    def _write(self, key: str, content: bytes) -> None:
        part = self.folder / f"{key}.{secrets.token_hex(8)}.part"
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123 - as above
                file.write(content)
            part.replace(self._path(key))
        except BaseException:  # Ctrl-C too: half a file is left to nobody
            part.unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.hsdb"


def default_store() -> FolderStore:
    """The store of this user: below ``HALDIR_HOME``, or the XDG cache folder."""
    home = os.environ.get("HALDIR_HOME")
    if home:
        return FolderStore(Path(home) / "cache" / "rules")
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # XDG 0.8: relative paths are to be ignored.
    base = Path(xdg) if xdg.startswith("/") else Path.home() / ".cache"
    return FolderStore(base / "haldir" / "rules")


def _is_ours(status: os.stat_result) -> bool:
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not others_write
