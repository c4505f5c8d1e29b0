"""SQLite files that belong to one user alone."""

import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from haldir_core.errors import HaldirError

BUSY_SECONDS = 10.0
"""How long a statement waits for another process to finish writing."""


NO_UPGRADES: Mapping[int, str] = MappingProxyType({})


class DatabaseError(HaldirError):
    """A database cannot be opened, read or written, or is not what it should be."""


class Database:
    """One SQLite file, mode 0600 in a folder of its owner, for all threads and forks of a process.

    Opened with a rollback journal and full synchronisation: what was committed is on the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        application_id: int,
        version: int,
        schema: str,
        noun: str,
        upgrades: Mapping[int, str] = NO_UPGRADES,
    ) -> None:
        """Open or make the file; ``upgrades`` make the tables of a version into those of the next one.

        Raises: DatabaseError if others could have written it, or it is damaged or another program's.
        """
        self.path = path
        self._application_id = application_id
        self._version = version
        self._schema = schema
        self._noun = noun
        self._upgrades = upgrades
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._open()

    def close(self) -> None:
        """Close the file; it may be closed twice."""
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for reading; several statements need not see the same state.

        Raises: DatabaseError
        """
        with self._lock, self._explained():
            yield self._open()

    def first(self, statement: str) -> tuple[Any, ...]:
        """Return the first row of a statement that always has one; the short way for what is asked very often.

        Raises: DatabaseError
        """
        connection = self._connection
        if connection is not None and self._owner == os.getpid():
            try:
                with self._lock:
                    return self._row(connection, statement)
            except (sqlite3.Error, UnicodeDecodeError):
                pass  # said properly below, if it happens again
        with self.reading() as again:
            return self._row(again, statement)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside of a transaction that nobody else writes beside; it is rolled back if it fails.

        Raises: DatabaseError
        """
        with self._lock, self._explained():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        """Return the connection of this process: one that was opened before a fork is not used after it."""
        if self._connection is not None and self._owner == os.getpid():
            return self._connection
        with self._explained():
            _make_private(self.path, self._noun)
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA synchronous = FULL")
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        self._connection, self._owner = connection, os.getpid()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables of an empty file; refuse a file of another program or version."""
        if _number(connection, "application_id") == 0:
            connection.execute("BEGIN IMMEDIATE")
            if _number(connection, "application_id") == 0 and not _has_tables(connection):
                _run(connection, self._schema)
                connection.execute(f"PRAGMA application_id = {self._application_id}")
                connection.execute(f"PRAGMA user_version = {self._version}")
            connection.execute("COMMIT")
        if _number(connection, "application_id") != self._application_id:
            raise DatabaseError(f"{self.path} is a database, but no {self._noun}: give another path, or import it")
        if _number(connection, "user_version") in self._upgrades:
            self._upgrade(connection)
        version = _number(connection, "user_version")
        if version != self._version:
            raise DatabaseError(
                f"{self.path} is a {self._noun} of version {version}: this program knows {self._version}"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise DatabaseError(self._damaged())

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Make a file of an older version into one of ours, whoever of several processes comes first."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            while (version := _number(connection, "user_version")) in self._upgrades:
                _run(connection, self._upgrades[version])
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _row(self, connection: sqlite3.Connection, statement: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = connection.execute(statement).fetchone()
        if row is None:
            raise DatabaseError(self._damaged())
        return row

    def _damaged(self) -> str:
        return f"the {self._noun} {self.path} is damaged: move it away, and take the last copy of it, or begin anew"

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DatabaseError(f"the {self._noun} {self.path} cannot be used now: {error}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the words of an error are damaged too
            raise DatabaseError(f"{self._damaged()} ({error})") from error
        except OSError as error:
            raise DatabaseError(f"the {self._noun} {self.path} cannot be opened: {error.strerror}") from error


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Execute statements inside of a transaction, which ``executescript`` would end."""
    for statement in filter(str.strip, script.split(";")):
        connection.execute(statement)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _make_private(path: Path, noun: str) -> None:
    """Make the file and its folder if they are missing; refuse what others could have written or can read."""
    for missing in reversed([folder for folder in path.parents if not folder.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    folder, file = path.parent.stat(), path.lstat()
    # Not even in a folder like /tmp, where others can only add files: one of them can be a journal of this database,
    # which SQLite would play back into it.
    if folder.st_uid not in {0, os.geteuid()} or folder.st_mode & 0o022:
        raise DatabaseError(
            f"the {noun} is not used: others can write its folder {path.parent}: use one of your own, or chmod go-w"
        )
    if not stat.S_ISREG(file.st_mode):
        raise DatabaseError(f"the {noun} is not used: {path} is no regular file")
    if file.st_uid != os.geteuid() or file.st_mode & 0o077:
        raise DatabaseError(
            f"the {noun} is not used: others can read or write {path}: look at it, then run chmod 600 {path}"
        )
