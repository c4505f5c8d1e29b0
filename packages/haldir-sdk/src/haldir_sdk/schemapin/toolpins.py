"""The tools of MCP servers as they were when they were admitted, in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import field, frozen

from haldir_core.schemapin.times import written_time
from haldir_core.schemapin.toolguard import Approval, ToolPin, ToolVerdict, content_digest
from haldir_core.schemapin.toollist import MAX_PINS
from haldir_sdk.schemapin._database import Database, DatabaseError

APPLICATION_ID = 0x48544C53  # "HTLS"
VERSION = 1
NOUN = "store of tools"

_CHUNK = 500  # variables of one statement; SQLite takes 999 in its oldest versions
_SCHEMA = """
CREATE TABLE tools (
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    content BLOB NOT NULL,
    approval TEXT NOT NULL,
    signed_by TEXT,
    pinned_at TEXT NOT NULL,
    PRIMARY KEY (server, tool)
) WITHOUT ROWID;
CREATE TABLE proposals (
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    content BLOB NOT NULL,
    reason TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (server, tool)
) WITHOUT ROWID
"""
_TOOL = "SELECT tool, digest, content, approval, signed_by, pinned_at FROM tools WHERE server = ?"
_PROPOSAL = "SELECT tool, digest, content, reason, seen_at FROM proposals WHERE server = ?"


@frozen(kw_only=True)
class StoredTool:
    """A tool that is pinned, with the moment when it was."""

    pin: ToolPin
    pinned_at: str


@frozen(kw_only=True)
class Proposal:
    """A tool that was blocked, and that a person may approve.

    Attributes:
        reason: why it was blocked.
    """

    name: str
    content: bytes = field(repr=False)
    reason: str
    seen_at: str

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the content."""
        return content_digest(self.content)


class ToolPinStore:
    """Tools by server and name, for many processes at once; use it as a context manager, or close it."""

    def __init__(self, path: Path) -> None:
        """Open the store at ``path``, or make an empty one.

        Raises: DatabaseError
        """
        self._database = Database(path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, noun=NOUN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def servers(self) -> tuple[str, ...]:
        """Return the names of the servers of which something is known."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT server FROM tools UNION SELECT server FROM proposals ORDER BY server")
            return tuple(row[0] for row in rows)

    def names(self, server: str) -> frozenset[str]:
        """Return the names of all pinned tools of a server."""
        with self._database.reading() as connection:
            return frozenset(row[0] for row in connection.execute("SELECT tool FROM tools WHERE server = ?", (server,)))

    def pins(self, server: str, names: Iterable[str]) -> dict[str, ToolPin]:
        """Return what is pinned of these tools."""
        with self._database.reading() as connection:
            return _pins(connection, server, names)

    def stored(self, server: str) -> tuple[StoredTool, ...]:
        """Return all pinned tools of a server, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_TOOL} ORDER BY tool", (server,))
            return tuple(StoredTool(pin=_pin(row), pinned_at=row[5]) for row in rows)

    def proposals(self, server: str, name: str | None = None) -> tuple[Proposal, ...]:
        """Return what was blocked and may be approved, by name; of one tool only if it is named."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_PROPOSAL} AND (?2 IS NULL OR tool = ?2) ORDER BY tool", (server, name))
            return tuple(_proposal(row) for row in rows)

    def commit(self, server: str, verdicts: Sequence[ToolVerdict], seen: Mapping[str, ToolPin], now: datetime) -> bool:
        """Write what verdicts pin and propose, in one transaction; false if a pin is no longer what ``seen`` says.

        Then nothing is written, and the tools are to be judged anew.
        """
        names = [verdict.name for verdict in verdicts if verdict.name is not None]
        with self._database.reading() as connection:
            writes = list(_writes(connection, server, verdicts, now))
        if not writes:
            return True  # nobody waits for the disk where nothing has changed
        with self._database.writing() as connection:
            if _pins(connection, server, names) != {name: seen[name] for name in names if name in seen}:
                return False
            for statement, values in writes:
                connection.execute(statement, values)
            return True

    def approve(self, server: str, proposal: Proposal, now: datetime) -> bool:
        """Pin exactly what was proposed; false if that is no longer the proposal."""
        pin = ToolPin(name=proposal.name, content=proposal.content, approval=Approval.PERSON)
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT digest FROM proposals WHERE server = ? AND tool = ?", (server, proposal.name)
            ).fetchone()
            if row is None or row[0] != proposal.digest:
                return False
            for statement, values in _pinning(server, pin, now):
                connection.execute(statement, values)
            return True

    def forget(self, server: str, name: str | None = None) -> int:
        """Forget a tool, or all tools of a server; return how many were pinned or proposed."""
        with self._database.writing() as connection:
            before = connection.total_changes
            for table in ("tools", "proposals"):
                connection.execute(
                    f"DELETE FROM {table} WHERE server = ?1 AND (?2 IS NULL OR tool = ?2)",  # noqa: S608 - names of ours
                    (server, name),
                )
            return connection.total_changes - before


_Write = tuple[str, tuple[object, ...]]


def _writes(
    connection: sqlite3.Connection, server: str, verdicts: Sequence[ToolVerdict], now: datetime
) -> Iterator[_Write]:
    """Yield the statements that verdicts lead to; proposals that are there already are not written again."""
    known = dict(connection.execute("SELECT tool, digest FROM proposals WHERE server = ?", (server,)).fetchall())
    for verdict in verdicts:
        if verdict.pin is not None:
            yield from _pinning(server, verdict.pin, now)
        proposal = verdict.proposal
        if proposal is None or known.get(proposal.name) == proposal.digest:
            continue
        if proposal.name not in known and len(known) >= MAX_PINS:
            continue  # nobody shall fill the disk with names
        known[proposal.name] = proposal.digest
        yield (
            "INSERT OR REPLACE INTO proposals VALUES (?, ?, ?, ?, ?, ?)",
            (server, proposal.name, proposal.digest, proposal.content, verdict.message, written_time(now)),
        )


def _pinning(server: str, pin: ToolPin, now: datetime) -> Iterator[_Write]:
    values = (server, pin.name, pin.digest, pin.content, pin.approval.value, pin.signed_by, written_time(now))
    yield "INSERT OR REPLACE INTO tools VALUES (?, ?, ?, ?, ?, ?, ?)", values
    yield "DELETE FROM proposals WHERE server = ? AND tool = ?", (server, pin.name)


def _pins(connection: sqlite3.Connection, server: str, names: Iterable[str]) -> dict[str, ToolPin]:
    wanted = list(dict.fromkeys(names))
    found: dict[str, ToolPin] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        marks = ", ".join("?" * len(chunk))
        for row in connection.execute(f"{_TOOL} AND tool IN ({marks})", (server, *chunk)):
            found[row[0]] = _pin(row)
    return found


def _pin(row: tuple[str, str, bytes, str, str | None, str]) -> ToolPin:
    name, digest, content, approval, signed_by, _ = row
    try:
        pin = ToolPin(name=name, content=bytes(content), approval=Approval(approval), signed_by=signed_by)
    except ValueError as error:
        raise DatabaseError(f"the {NOUN} holds {approval[:40]!r}: it was changed by hand") from error
    if pin.digest != digest:
        raise DatabaseError(f"the {NOUN} does not hold {name!r} as it was pinned: it was changed by hand")
    return pin


def _proposal(row: tuple[str, str, bytes, str, str]) -> Proposal:
    name, digest, content, reason, seen_at = row
    proposal = Proposal(name=name, content=bytes(content), reason=reason, seen_at=seen_at)
    if proposal.digest != digest:
        raise DatabaseError(f"the {NOUN} does not hold {name!r} as it was proposed: it was changed by hand")
    return proposal
