"""Hyperscan (Vectorscan) with types: one pass over a text for all patterns of a bundle."""

import hashlib
import importlib.util
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from attrs import field, frozen

from haldir_scanner._engine._filter import OfOneBlock
from haldir_scanner._engine._relaxation import relaxed

Probe = tuple[str, tuple[int, ...]]
"""A pattern, and the numbers of those that may match in a text in which it does."""

_HEADER_END = b"\n"
_REVISION = 17
"""Of the way in which patterns are compiled; a cached database of another one is not used."""


class Store(Protocol):
    """A place for compiled databases."""

    def load(self, key: str) -> bytes | None:
        """What was saved under ``key``, if it is still what was saved."""
        ...

    def save(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``, if that is possible."""
        ...


def has_hyperscan() -> bool:
    """Whether Hyperscan is installed."""
    return importlib.util.find_spec("hyperscan") is not None


@frozen
class HyperscanFilter(OfOneBlock):
    """Rules out all patterns but those that match, or all but match, by one pass over the text."""

    _database: Any
    _always: tuple[int, ...]
    _meant: Sequence[tuple[int, ...]]
    # A database has one scratch space, and a scan of another thread must not meet it in use.
    _lock: Lock = field(factory=Lock, repr=False)

    @classmethod
    def of(
        cls, sources: Sequence[str], probes: Callable[[], Sequence[Probe]], digest: str, store: Store
    ) -> "HyperscanFilter":
        """The filter for patterns of the bundle with that digest: out of the store, or built of its probes."""
        return cls.stored(sources, digest, store) or cls._built(sources, probes(), digest, store)

    @classmethod
    def stored(cls, sources: Sequence[str], digest: str, store: Store) -> "HyperscanFilter | None":
        """The filter, if the store has it."""
        if not sources:
            return cls(None, (), ())
        loaded = load(store, database_key(digest, sources))
        if loaded is None:
            return None
        database, (always, meant) = loaded
        return cls(database, tuple(always), tuple(map(tuple, meant)))

    @classmethod
    def _built(cls, sources: Sequence[str], probes: Sequence[Probe], digest: str, store: Store) -> "HyperscanFilter":
        database, always = _build([probe for probe, _ in probes])
        meant = tuple(numbers for _, numbers in probes)
        if database is not None:
            save(store, database_key(digest, sources), database, [always, meant])
        return cls(database, always, meant)

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in ``text``; no other one can match."""
        found: list[int] = [*self._always]
        if self._database is not None:
            with self._lock:
                self._database.scan(text, teller(found))
        return (number for probe in found for number in self._meant[probe])


def _build(sources: Sequence[str]) -> tuple[Any, tuple[int, ...]]:
    """A database, and the numbers of the sources that it leaves out."""
    expressions = [relaxed(source).encode() for source in sources]
    try:
        return database_of(expressions, range(len(expressions))), ()
    except _error():
        # One that Hyperscan refuses spoils the whole database: it is left out, and always a candidate.
        good = [number for number, expression in enumerate(expressions) if _is_good(expression)]
        always = tuple(sorted(set(range(len(expressions))) - set(good)))
        return database_of([expressions[number] for number in good], good), always


def _is_good(expression: bytes) -> bool:
    try:
        database_of([expression], [0])
    except _error():
        return False
    return True


def database_of(expressions: Sequence[bytes], numbers: Sequence[int]) -> Any:  # noqa: ANN401 - Hyperscan has no types
    """A database that reports each of the expressions at most once; None if there are none."""
    import hyperscan  # noqa: PLC0415 - loaded when something is scanned

    if not expressions:
        return None
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE
    database.compile(expressions=expressions, ids=list(numbers), flags=[flags] * len(expressions))
    return database


def teller(found: list[int]) -> Callable[[int, int, int, int, object], None]:
    """What a database tells its matches to; their numbers are added to ``found``."""
    add = found.append

    # Called a hundred times for each paragraph: no arguments are packed.
    def tell(number: int, _begin: int, _end: int, _flags: int, _context: object) -> None:
        add(number)

    return tell


def _error() -> type[Exception]:
    import hyperscan  # noqa: PLC0415 - as above

    return hyperscan.error


def save(store: Store, key: str, database: Any, header: object) -> None:  # noqa: ANN401 - as above
    """The database is stored, with a JSON value before it."""
    import hyperscan  # noqa: PLC0415 - as above

    store.save(key, json.dumps(header).encode() + _HEADER_END + hyperscan.dumpb(database))


def load(store: Store, key: str) -> tuple[Any, Any] | None:
    """The database of that key and the JSON value stored with it; None if there is none that can be used."""
    import hyperscan  # noqa: PLC0415 - as above

    stored = store.load(key)
    if stored is None:
        return None
    header, _, serialised = stored.partition(_HEADER_END)
    try:
        database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
        return database, json.loads(header)
    except (hyperscan.error, ValueError, TypeError):
        return None


def database_key(digest: str, sources: Sequence[str]) -> str:
    """What a database depends on: the patterns, the engine, and the processor, whose instructions it uses."""
    parts = (digest, "\n".join(sources), str(_REVISION), version("hyperscan"), platform.machine(), _processor())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
