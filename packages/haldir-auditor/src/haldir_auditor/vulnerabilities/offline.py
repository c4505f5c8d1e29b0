"""A database of vulnerabilities on disk or in memory, which is asked without a network."""

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

from attrs import frozen

from haldir_auditor.issues import Severity, VulnerabilityData
from haldir_auditor.vulnerabilities.compiling import APPLICATION_ID, FORMAT, bucket_of, fill
from haldir_auditor.vulnerabilities.documents import ImportLimits
from haldir_auditor.vulnerabilities.interface import Answer, Package, SourceError, Vulnerability
from haldir_auditor.vulnerabilities.matching import Claim, Subject, Verdict, judge_claim
from haldir_auditor.vulnerabilities.merging import for_version, merge
from haldir_auditor.vulnerabilities.records import ID, RecordError, parse_time
from haldir_auditor.vulnerabilities.spans import Span
from haldir_auditor.vulnerabilities.versions import COVERED

MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_BUCKETS = 2**24
_RECORD_QUERIES = {kind: f"SELECT {kind} FROM records WHERE number = ?" for kind in ("brief", "body")}  # noqa: S608


class _DamagedError(Exception):
    """A part of the database is not what was written."""


# Of a file whose bytes were changed, even the words of an error need not be UTF-8.
_DAMAGE = (_DamagedError, sqlite3.Error, UnicodeDecodeError)


@frozen
class _About:
    """What a database says about itself."""

    buckets: int
    records: int
    as_of: datetime
    ecosystems: Mapping[str, int]


class OfflineDatabase:
    """A database that ``compile_database`` made; it may be used from several threads."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        """Take an open database, called ``name`` in messages.  Raises: SourceError if it is none of ours."""
        self._connection = connection
        self._name = name
        self._lock = Lock()
        try:
            self._about = self._read_about()
        except (*_DAMAGE, OverflowError) as error:
            raise SourceError(f"{name} is no database of haldir advisories import, or is damaged: {error}") from error

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file of a database, for reading only.

        Raises:
            SourceError: if it cannot be read, or is no database that this version made.
        """
        if not path.is_file():
            raise SourceError(f"{path} is no file: make one with haldir advisories import")
        try:
            # immutable: it is replaced as a whole, never changed; no journal that lies beside it is believed
            address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            raise SourceError(f"cannot open {path}: {error}") from error
        return cls._owning(connection, str(path))

    @classmethod
    def compiled(cls, sources: Sequence[Path], limits: ImportLimits = ImportLimits()) -> Self:  # noqa: B008 - frozen
        """Return a database in memory of the records of folders and ZIP files.

        Raises:
            SourceError: if a source cannot be read, or holds a record that cannot, or none at all.
        """
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            fill(connection, sources, limits)
        except BaseException:  # Ctrl-C too: nobody else would close it
            connection.close()
            raise
        return cls._owning(connection, ", ".join(map(str, sources)))

    @classmethod
    def _owning(cls, connection: sqlite3.Connection, name: str) -> Self:
        try:
            return cls(connection, name)
        except BaseException:  # Ctrl-C too: nobody else would close it
            connection.close()
            raise

    def close(self) -> None:
        """Close the file; nothing can be looked up any longer."""
        self._connection.close()

    @property
    def data(self) -> VulnerabilityData:
        """What it holds: the date of its newest record, and how many there are."""
        return VulnerabilityData(self._name, self._about.as_of, self._about.records)

    @property
    def ecosystems(self) -> Mapping[str, int]:
        """How many records it has of each ecosystem."""
        return self._about.ecosystems

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what is known; a package of an ecosystem without records is unanswered.

        Raises:
            SourceError: if the database is damaged, or closed.
        """
        found: dict[Package, tuple[Vulnerability, ...]] = {}
        unanswered: dict[Package, str] = {}
        for package in dict.fromkeys(packages):
            try:
                known, doubt = self._ask(package)
            except _DAMAGE as error:
                raise SourceError(f"{self._name} is damaged, import it again: {error}") from error
            if known:
                found[package] = known
            if doubt:
                unanswered[package] = doubt
        return Answer(self.data, found, unanswered)

    def documents(self, identifier: str) -> tuple[Mapping[str, object], ...]:
        """Return the records with an id or an alias, as they were imported.

        Raises:
            SourceError: if the database is damaged, or closed.
        """
        if not ID.fullmatch(identifier):
            return ()
        try:
            return tuple(self._body("body", number, name) for number, name in self._entries(f"id/{identifier}"))
        except _DAMAGE as error:
            raise SourceError(f"{self._name} is damaged, import it again: {error}") from error

    def _ask(self, package: Package) -> tuple[tuple[Vulnerability, ...], str | None]:
        """Return what is known about a package, and why that may not be all."""
        if package.ecosystem not in COVERED:
            return (), f"there is no vulnerability data for {package.ecosystem}"
        if package.ecosystem not in self._about.ecosystems:
            return (), f"{self._name} has no records of {package.ecosystem}: import them"
        subject = Subject.of(package)
        known, unknown = [], []
        for number, name, *written in self._entries(f"{subject.ecosystem}/{subject.name}"):
            verdict = judge_claim(_parse_claim(written), subject)
            if verdict is Verdict.AFFECTED:
                known.append(self._vulnerability(number, name, subject))
            elif verdict is Verdict.UNKNOWN:
                unknown.append(str(name))
        return merge(subject.ecosystem, known), doubt_of(subject, unknown)

    def _vulnerability(self, number: object, name: object, subject: Subject) -> Vulnerability:
        value = self._body("brief", number, name)
        try:
            return for_version(_parse_brief(value, f"{subject.ecosystem}/{subject.name}"), subject)
        except (KeyError, TypeError, ValueError) as error:
            raise _DamagedError(f"the record {name} cannot be read") from error

    def _entries(self, key: str) -> list[list[object]]:
        bucket = bucket_of(key, self._about.buckets)
        value = self._unpacked("SELECT body FROM buckets WHERE number = ?", bucket)
        names = value.get("names")
        if value.get("bucket") != bucket or not isinstance(names, dict):
            raise _DamagedError(f"bucket {bucket} is another")
        entries = names.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, list) and len(entry) > 1 for entry in entries):
            raise _DamagedError(f"bucket {bucket} cannot be read")
        return entries

    def _body(self, kind: Literal["brief", "body"], number: object, name: object) -> dict[str, object]:
        value = self._unpacked(_RECORD_QUERIES[kind], number)
        if value.get("id") != name:
            raise _DamagedError(f"the record {name} is another")
        return value

    def _read_about(self) -> _About:
        for name, wanted in (("application_id", APPLICATION_ID), ("user_version", FORMAT)):
            if self._connection.execute(f"PRAGMA {name}").fetchone() != (wanted,):
                raise _DamagedError(f"its {name} is not {wanted}")
        if self._connection.execute("SELECT 1 FROM sqlite_master WHERE type != 'table'").fetchone():
            raise _DamagedError("it has more than tables")
        self._connection.execute("PRAGMA trusted_schema = OFF")
        self._connection.execute("PRAGMA query_only = ON")
        value = self._unpacked("SELECT body FROM about WHERE number = ?", 1)
        buckets, records, ecosystems = value.get("buckets"), value.get("records"), value.get("ecosystems")
        if not isinstance(buckets, int) or not 0 < buckets <= _MAX_BUCKETS:
            raise _DamagedError("it does not say how many buckets it has")
        if not isinstance(records, int) or not isinstance(ecosystems, dict):
            raise _DamagedError("it does not say what it holds")
        try:
            return _About(buckets, records, parse_time(value.get("as_of")), ecosystems)
        except RecordError as error:
            raise _DamagedError(str(error)) from error

    def _unpacked(self, query: str, number: object) -> dict[str, object]:
        with self._lock:
            row = self._connection.execute(query, (number,)).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise _DamagedError(f"number {number} is missing")
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(row[0], MAX_BODY_BYTES)
            value = json.loads(data) if unpacking.eof else None
        except (zlib.error, ValueError, RecursionError) as error:
            raise _DamagedError(f"number {number} cannot be read") from error
        if not isinstance(value, dict):
            raise _DamagedError(f"number {number} is not whole")
        return value


def _parse_brief(value: Mapping[str, Any], package: str) -> Vulnerability:
    """Return a vulnerability as ``compiling`` wrote it; what the checksum let through is what was written."""
    severity, fixed, cvss, rated = value["packages"][package]
    return Vulnerability(
        id=value["id"],
        aliases=tuple(value["aliases"]),
        summary=value["summary"],
        severity=Severity(severity),
        malicious=value["malicious"],
        fixed=tuple(fixed),
        cvss=cvss,
        modified=parse_time(value["modified"]),
        url=value["url"],
        rated=rated,
    )


def _parse_claim(written: Sequence[object]) -> Claim:
    """Return a claim as ``compiling`` wrote it; what the checksum let through is what was written."""
    match written:
        case [list(spans), list(listed), bool(doubtful)]:
            return Claim(tuple(Span(*span) for span in spans), frozenset(listed), doubtful)
    raise _DamagedError("what a record says about versions cannot be read")


def doubt_of(subject: Subject, unknown: Sequence[str]) -> str | None:
    """Return why records that may be about a package cannot be evaluated, None if there are none."""
    if not unknown:
        return None
    shown = ", ".join(sorted(unknown)[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    if subject.key is None:
        return (
            f"{subject.version[:80]!r} is no version of {subject.ecosystem}, so that it cannot be compared with {shown}"
        )
    return f"what {shown} says about versions cannot be evaluated"
