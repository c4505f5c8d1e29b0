"""Results of schema verifications, kept for a while: for the agents of one process, or of one machine."""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from attrs import field, frozen
from attrs.validators import gt

from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes, parse_object
from haldir_core.errors import MalformedError
from haldir_core.schemapin.codes import PinStatus, WarningCode
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.results import Metadata, Verification
from haldir_core.schemapin.times import Moment, written_time
from haldir_sdk.schemapin._database import Database

CacheKey = tuple[str, str, bytes]
"""Tool id, domain, and the SHA-256 of the bytes of the schema as they came; another spelling is verified anew.

What else a result depends on is hashed before the bytes: which store of pins, which policy.
"""

APPLICATION_ID = 0x48534348  # "HSCH"
VERSION = 1
NOUN = "schema cache"

_SCHEMA = """
CREATE TABLE results (
    tool_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    schema_hash BLOB NOT NULL,
    signature TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    verified_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    result BLOB NOT NULL,
    PRIMARY KEY (tool_id, domain, schema_hash)
) WITHOUT ROWID
"""
_FIND = """
SELECT signature, epoch, verified_at, expires_at, result FROM results
WHERE tool_id = ? AND domain = ? AND schema_hash = ?
"""
_TRIM = """
DELETE FROM results WHERE (tool_id, domain, schema_hash) IN
(SELECT tool_id, domain, schema_hash FROM results ORDER BY verified_at DESC LIMIT -1 OFFSET ?)
"""


@frozen(kw_only=True)
class CacheLimits:
    """How much is kept, and for how long."""

    entries: int = field(default=1024, validator=gt(0))
    lifetime: timedelta = field(default=timedelta(minutes=5), validator=gt(timedelta()))
    """A key that is revoked elsewhere is noticed after this time at the latest."""


class ResultCache(Protocol):
    """Whatever keeps results.  ``epoch`` is that of the pins: a result of another one is not used."""

    def get(self, key: CacheKey, signature: str, *, epoch: int, now: datetime) -> Verification | None:
        """Return the result that is kept for exactly this schema and signature."""
        ...

    def put(self, key: CacheKey, signature: str, result: Verification, *, epoch: int, now: datetime) -> None:
        """Keep a result that is plainly valid, with a pinned key; ``epoch`` is the one from before the verification."""
        ...


def cache_key(tool_id: str, domain: str, schema: bytes, *, demands: bytes) -> CacheKey:
    """Return the key of a schema; ``demands`` is a digest of all else that a result depends on."""
    digest = hashlib.sha256(demands)
    digest.update(schema)
    return (tool_id, domain, digest.digest())


@frozen
class _Entry:
    signature: str
    epoch: int
    since: datetime
    until: datetime
    result: Verification

    def holds(self, signature: str, epoch: int, now: datetime) -> bool:
        return self.signature == signature and self.epoch == epoch and self.since <= now < self.until


class SchemaCache:
    """The results of one process, for all of its threads; the least recently used ones are forgotten."""

    def __init__(self, limits: CacheLimits | None = None) -> None:
        """Begin empty."""
        self._limits = limits or CacheLimits()
        self._entries: OrderedDict[CacheKey, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey, signature: str, *, epoch: int, now: datetime) -> Verification | None:
        """Return the result that is kept for exactly this schema and signature."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not entry.holds(signature, epoch, now):
                return None
            self._entries.move_to_end(key)
            return entry.result

    def put(self, key: CacheKey, signature: str, result: Verification, *, epoch: int, now: datetime) -> None:
        """Keep a result."""
        until = _kept_until(result, now, self._limits)
        if until is None:
            return
        with self._lock:
            self._entries[key] = _Entry(signature, epoch, now, until, result)
            self._entries.move_to_end(key)
            while len(self._entries) > self._limits.entries:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


class SharedSchemaCache:
    """The results of all processes of one user, in a SQLite file beside the pins."""

    def __init__(self, path: Path, limits: CacheLimits | None = None) -> None:
        """Open the file, or make an empty one.

        Raises: DatabaseError
        """
        self._limits = limits or CacheLimits()
        self._database = Database(path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, noun=NOUN)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def get(self, key: CacheKey, signature: str, *, epoch: int, now: datetime) -> Verification | None:
        """Return the result that is kept for exactly this schema and signature."""
        with self._database.reading() as connection:
            row = connection.execute(_FIND, key).fetchone()
        if row is None or (row[0], row[1]) != (signature, epoch):
            return None
        since, until, data = row[2:]
        if not (isinstance(since, str) and isinstance(until, str) and isinstance(data, bytes)):
            return None  # the file was changed by hand
        return _decoded(key, data) if since <= written_time(now) < until else None

    def put(self, key: CacheKey, signature: str, result: Verification, *, epoch: int, now: datetime) -> None:
        """Keep a result."""
        until = _kept_until(result, now, self._limits)
        if until is None:
            return
        row = (*key, signature, epoch, written_time(now), written_time(until), _encoded(result))
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM results WHERE expires_at < ?", (written_time(now),))
            connection.execute(_TRIM, (self._limits.entries,))


def _kept_until(result: Verification, now: datetime, limits: CacheLimits) -> datetime | None:
    """Return until when a result holds; None for one that is not kept."""
    if not result.valid or result.expired or result.key_pinning is not PinStatus.PINNED:
        return None  # a key that is accepted once only must be asked about again, and a new pin ends the epoch anyway
    if WarningCode.STATEMENT_DROPPED in result.warnings:
        return None  # in strict mode it is refused
    until = now + limits.lifetime
    text = result.metadata.expires_at
    if text is None:
        return until
    try:
        return min(until, Moment.parse(text).moment)
    except ValueError:
        return None


def _encoded(result: Verification) -> bytes:
    metadata = result.metadata
    members: JsonObject = {
        "developer_name": result.developer_name,
        "fingerprint": result.fingerprint,
        "warnings": list(result.warnings),
        "root": result.root.hex() if result.root else None,
        "authenticated": metadata.authenticated,
        "name": metadata.name,
        "signed_at": metadata.signed_at.text if metadata.signed_at else None,
        "expires_at": metadata.expires_at,
        "schema_version": metadata.schema_version,
        "previous_hash": metadata.previous_hash,
    }
    return canonical_bytes(members)


def _decoded(key: CacheKey, data: bytes) -> Verification | None:
    """Return a result that was kept; None where the file was changed by hand."""
    try:
        members = parse_object(data, NOUN)
        warnings = members.get("warnings")
        signed_at, root = _text(members, "signed_at"), _text(members, "root")
        return Verification(
            valid=True,
            tool_id=ToolId(key[0]),
            domain=Domain(key[1]),
            developer_name=_text(members, "developer_name"),
            fingerprint=_text(members, "fingerprint"),
            key_pinning=PinStatus.PINNED,
            warnings=tuple(str(warning) for warning in warnings) if isinstance(warnings, list) else (),
            root=bytes.fromhex(root) if root else None,
            metadata=Metadata(
                authenticated=members.get("authenticated") is True,
                name=_text(members, "name"),
                signed_at=Moment.parse(signed_at) if signed_at else None,
                expires_at=_text(members, "expires_at"),
                schema_version=_text(members, "schema_version"),
                previous_hash=_text(members, "previous_hash"),
            ),
        )
    except (MalformedError, ValueError):
        return None


def _text(members: JsonObject, name: str) -> str | None:
    value: JsonValue = members.get(name)
    return value if isinstance(value, str) else None
