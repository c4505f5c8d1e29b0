"""A database made out of records: what is needed to look a package up, in one SQLite file.

Every answer is checked, "nothing is known" too: the names stand in numbered buckets, all of which exist, each
compressed with a checksum; a record stands under a number that its bucket names, with its id.  What a record says about
the versions of a package stands beside the name, so that only records that are about a version have to be read; each in
brief, its severity computed.
"""

import contextlib
import json
import os
import sqlite3
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from attrs import define, evolve, field, frozen

from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.documents import (
    Document,
    ImportLimits,
    PassedOver,
    UnreadableDocumentError,
    parse_document,
    read_documents,
)
from haldir_auditor.vulnerabilities.interface import SourceError
from haldir_auditor.vulnerabilities.matching import claim_of, without_repetition
from haldir_auditor.vulnerabilities.merging import describe
from haldir_auditor.vulnerabilities.records import Record, RecordError, format_time, is_elsewhere, parse_record

APPLICATION_ID = 0x48414C56
"""What SQLite's header says the file is: HALV."""
FORMAT = 1
NAMES_PER_BUCKET = 8
SHOWN_PROBLEMS = 5
_RECORD_MEMBERS = frozenset({"id", "modified", "affected"})

_TABLES = """
CREATE TABLE about (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE buckets (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE records (number INTEGER PRIMARY KEY, brief BLOB NOT NULL, body BLOB NOT NULL);
"""


@frozen
class Compiled:
    """What became of a source: records that are in the database, withdrawn ones and documents that are no records.

    ``passed_over`` are the documents that were not looked at: hidden ones, and links.
    """

    records: int
    withdrawn: int
    ignored: int
    as_of: datetime
    ecosystems: dict[str, int]
    passed_over: int = 0


def compile_database(sources: Sequence[Path], output: Path, limits: ImportLimits = ImportLimits()) -> Compiled:  # noqa: B008 - frozen
    """Write the records of folders and ZIP files to ``output``, in one step and for its owner only.

    Withdrawn records are left out, and of several with one id the newest is taken.

    Raises:
        SourceError: if a source cannot be read, or holds a record that cannot, or none at all; ``output`` is then what
            it was before.
    """
    with _new_file(output) as path:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = OFF")  # what fails is thrown away as a whole
            connection.execute("PRAGMA synchronous = OFF")
            compiled = fill(connection, sources, limits)
        except sqlite3.Error as error:
            raise SourceError(f"cannot write {output}: {error}") from error
        finally:
            connection.close()
    return compiled


def fill(connection: sqlite3.Connection, sources: Sequence[Path], limits: ImportLimits) -> Compiled:
    """Write the records of sources to an empty database.

    Raises:
        SourceError: if a source cannot be read, or holds a record that cannot, or none at all.
    """
    connection.executescript(_TABLES)
    connection.execute("BEGIN")
    gathered = _Gathered(connection)
    passed = PassedOver()
    for source in sources:
        for document in read_documents(source, limits, passed):
            gathered.add(document, limits)
    compiled = evolve(gathered.finish(), passed_over=passed.count)
    connection.execute("COMMIT")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    return compiled


def bucket_of(key: str, buckets: int) -> int:
    """Return the bucket in which a key stands."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % buckets


def pack(value: object) -> bytes:
    """Return a JSON value as compressed bytes with a checksum."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6)


@define
class _Kept:
    """The newest record of an id."""

    number: int
    modified: datetime
    gone: bool
    claims: Mapping[str, bytes]
    aliases: tuple[str, ...]


@define
class _Gathered:
    """The records that were read so far."""

    connection: sqlite3.Connection
    kept: dict[str, _Kept] = field(factory=dict)
    ignored: int = 0
    count: int = 0
    problems: list[str] = field(factory=list)

    def add(self, document: Document, limits: ImportLimits) -> None:
        """Keep the record of a document."""
        try:
            value = parse_document(document, limits)
            if not isinstance(value, dict) or _RECORD_MEMBERS.isdisjoint(value):
                self.ignored += 1  # folders of advisories hold settings and schemas too
                return
            if not is_elsewhere(value):
                self._keep(parse_record(value), value)
        except UnreadableDocumentError as error:
            self.problems.append(str(error))
        except RecordError as error:
            self.problems.append(f"{document.place} is no record: {error}")

    def _keep(self, record: Record, value: Mapping[str, object]) -> None:
        known = self.kept.get(record.id)
        named = record.by_package()
        if not (named or known) or (known is not None and known.modified > record.modified):
            return
        self.count += 1
        number = known.number if known else self.count
        gone = record.withdrawn or not named
        claims = {} if gone else {f"{kind}/{name}": _claim(part, kind, name) for (kind, name), part in named.items()}
        self.kept[record.id] = _Kept(number, record.modified, gone, claims, record.aliases)
        bodies = (b"", b"") if gone else (pack(_brief(record, named)), pack(value))
        self.connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (number, *bodies))

    def finish(self) -> Compiled:
        """Write the names, and what the database is."""
        if self.problems:
            more = len(self.problems) - SHOWN_PROBLEMS
            raise SourceError(
                f"{len(self.problems)} document(s) cannot be read, so that nothing was imported; mend or remove them: "
                + "; ".join(self.problems[:SHOWN_PROBLEMS])
                + (f"; and {more} more" if more > 0 else "")
            )
        live = {name: one for name, one in self.kept.items() if not one.gone}
        if not live:
            raise SourceError("there is no OSV record of PyPI, npm, crates.io or Go in what was named")
        for one in self.kept.values():
            if one.gone:
                self.connection.execute("DELETE FROM records WHERE number = ?", (one.number,))
        ecosystems = _count_ecosystems(live.values())
        compiled = Compiled(
            len(live),
            len(self.kept) - len(live),
            self.ignored,
            max(one.modified for one in live.values()),
            ecosystems,
        )
        self._write_names(live, compiled)
        return compiled

    def _write_names(self, live: dict[str, _Kept], compiled: Compiled) -> None:
        index: defaultdict[str, list[list[object]]] = defaultdict(list)
        for name, one in live.items():
            for key, claim in one.claims.items():
                index[key].append([one.number, name, *json.loads(claim)])
            for known in {name, *one.aliases}:
                index[f"id/{known}"].append([one.number, name])
        count = max(1, len(index) // NAMES_PER_BUCKET)
        buckets: list[dict[str, list[list[object]]]] = [{} for _ in range(count)]
        for key, entries in index.items():
            buckets[bucket_of(key, count)][key] = entries
        rows = ((number, pack({"bucket": number, "names": names})) for number, names in enumerate(buckets))
        self.connection.executemany("INSERT INTO buckets VALUES (?, ?)", rows)
        about = {
            "format": FORMAT,
            "buckets": count,
            "records": compiled.records,
            "as_of": format_time(compiled.as_of),
            "ecosystems": compiled.ecosystems,
        }
        self.connection.execute("INSERT INTO about VALUES (1, ?)", (pack(about),))


def _count_ecosystems(live: Iterable[_Kept]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in live:
        for ecosystem in {name.partition("/")[0] for name in one.claims}:
            counts[ecosystem] = counts.get(ecosystem, 0) + 1
    return dict(sorted(counts.items()))


def _claim(record: Record, ecosystem: Ecosystem, name: str) -> bytes:
    """Return what a record says about the versions of a package, as ``offline`` reads it."""
    claim = without_repetition(claim_of(record, ecosystem, name), ecosystem)
    spans = [[span.low, span.high, span.closed, span.local] for span in claim.spans]
    return json.dumps([spans, sorted(claim.listed), claim.doubtful], separators=(",", ":")).encode()


def _brief(record: Record, named: Mapping[tuple[Ecosystem, str], Record]) -> dict[str, object]:
    """Return what a record says about each package, as ``offline`` reads it; the CVSS vectors are read here."""
    packages = {}
    for (ecosystem, name), part in named.items():
        one = describe(part, ecosystem, name)
        packages[f"{ecosystem}/{name}"] = [one.severity, one.fixed, one.cvss, one.rated]
    return {
        "id": record.id,
        "aliases": record.aliases,
        "summary": record.summary,
        "malicious": record.malicious,
        "modified": format_time(record.modified),
        "url": record.url,
        "packages": packages,
    }


@contextlib.contextmanager
def _new_file(output: Path) -> Iterator[Path]:
    """Yield the path of an empty file that becomes ``output`` at the end, if nothing fails."""
    if output.exists() and not output.is_file():
        raise SourceError(f"cannot write {output}: it is no regular file")
    try:
        real = output.resolve()
        fd, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)  # for its owner only
    except OSError as error:
        raise SourceError(f"cannot write {output}: {error.strerror}") from error
    path = Path(name)
    try:
        yield path
        os.fsync(fd)
        path.replace(real)
    except OSError as error:
        raise SourceError(f"cannot write {output}: {error.strerror}") from error
    finally:
        os.close(fd)
        path.unlink(missing_ok=True)
