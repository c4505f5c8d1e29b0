"""Which engine a bundle is searched with."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache

from attrs import define

from haldir_scanner._engine._cache import default_store
from haldir_scanner._engine._filter import Filter, Pass
from haldir_scanner._engine._hyperscan import HyperscanFilter, Store, has_hyperscan
from haldir_scanner._engine._phrases import PhraseFilter
from haldir_scanner._engine._regexes import Re2Filter, Re2Regexes, Regexes, StdlibRegexes, has_re2
from haldir_scanner._engine._search import Engine, Group, Patterns
from haldir_scanner._errors import BundleError
from haldir_scanner._rules._bundle import RuleBundle, builtin

GROWN_BYTES = 1024 * 1024
"""Searched in one process, from which on it is worth while to build a database."""

MAX_CHECK_SECONDS = 20.0
"""Of processor time, for checking all patterns of a bundle that somebody else wrote."""


class Backend(StrEnum):
    """What searches; the verdicts are the same with each."""

    HYPERSCAN_RE2 = "hyperscan and re2"
    RE2 = "re2"
    HYPERSCAN_STDLIB = "hyperscan and the standard library"


def best_backend() -> Backend:
    """The fastest one for which the libraries are installed.

    Raises: BundleError if neither Hyperscan nor RE2 is.
    """
    if has_hyperscan() and has_re2():
        return Backend.HYPERSCAN_RE2
    if has_re2():
        return Backend.RE2
    if has_hyperscan():
        return Backend.HYPERSCAN_STDLIB
    raise BundleError("neither hyperscan nor google-re2 is installed; install one of them")


def open_engine(bundle: RuleBundle, backend: Backend, *, store: Store | None = None) -> Engine:
    """The engine that searches for the rules of ``bundle``, ready for work of any size."""
    patterns = Patterns(bundle.rules, bundle.signals)
    regexes = _regexes(patterns, bundle, backend)
    filters: list[tuple[Group, Filter]] = []
    for group in patterns.groups():
        if backend is Backend.RE2:
            filters.append((group, Re2Filter(group.sources, group.numbers)))
        else:
            filters.append((group, _built(group, bundle.digest, store or default_store())))
    return Engine(patterns, filters, regexes)


def _regexes(patterns: Patterns, bundle: RuleBundle, backend: Backend) -> Regexes:
    if backend is not Backend.HYPERSCAN_STDLIB:
        return Re2Regexes(patterns.all, patterns.hinted)
    if bundle.digest != builtin().digest:
        raise BundleError("google-re2 is not installed; without it, only the built-in rules can be used")
    return StdlibRegexes(patterns.all)


@define
class GrowingFilter:
    """RE2's filter for small work; for larger work, and where a database is stored, Hyperscan.

    To build a database takes seconds, to start RE2's filter tenths of one; so a single small skill is scanned at once,
    also where nothing was ever stored.
    """

    _group: Group
    _digest: str
    _store: Store
    _filter: Filter
    _is_grown: bool
    _bytes: int = 0

    @classmethod
    def of(cls, group: Group, digest: str, store: Store) -> "GrowingFilter":
        """The filter for a group of patterns of the bundle with that digest."""
        stored = _stored(group, digest, store)
        return cls(group, digest, store, stored or Re2Filter(group.sources, group.numbers), stored is not None)

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in ``text``; no other one can match."""
        return self._grown(len(text)).candidates(text)

    def pass_over(self, size: int) -> Pass:
        """See ``Filter.pass_over``."""
        return self._grown(size).pass_over(size)

    def _grown(self, size: int) -> Filter:
        self._bytes += size
        if self._bytes > GROWN_BYTES:
            self.grow()
        return self._filter

    def grow(self) -> None:
        """Be ready for work of any size."""
        if not self._is_grown:
            self._filter = _built(self._group, self._digest, self._store)
            self._is_grown = True


def _built(group: Group, digest: str, store: Store) -> Filter:
    """The fastest filter for a group."""
    if group.is_by_block:
        return PhraseFilter.of(group.wanted(), digest, store)
    return HyperscanFilter.of(group.sources, group.probes, digest, store)


def _stored(group: Group, digest: str, store: Store) -> Filter | None:
    if group.is_by_block:
        return PhraseFilter.stored(group.wanted(), digest, store)
    return HyperscanFilter.stored(group.sources, digest, store)


def check_patterns(bundle: RuleBundle, clock: Callable[[], float]) -> None:
    """Let RE2 look at every pattern: its syntax, its memory, and whether it matches the empty text.

    ``clock`` gives seconds of processor time.

    Raises: BundleError for the first pattern that is refused, or if all together take too long.
    """
    if not has_re2():
        raise BundleError("google-re2 is not installed; without it, only the built-in rules can be used")
    patterns = Patterns(bundle.rules, bundle.signals)
    sources = [*patterns.all, *patterns.hints]
    regexes, started = Re2Regexes(sources), clock()
    for number in range(len(sources)):
        regexes.check(number)
        if clock() - started > MAX_CHECK_SECONDS:
            raise BundleError(f"the patterns take more than {MAX_CHECK_SECONDS:.0f} seconds to compile")


@lru_cache(maxsize=4)
def engine_of(bundle: RuleBundle) -> Engine:
    """The engine of this process for ``bundle``, with the best libraries that are installed."""
    backend = best_backend()
    if backend is not Backend.HYPERSCAN_RE2:
        return open_engine(bundle, backend)
    patterns, store = Patterns(bundle.rules, bundle.signals), default_store()
    filters = [(group, GrowingFilter.of(group, bundle.digest, store)) for group in patterns.groups()]
    return Engine(patterns, filters, Re2Regexes(patterns.all, patterns.hinted))


def prepare(bundle: RuleBundle) -> None:
    """Make the engine of this process ready for work of any size, so that processes forked from it need not."""
    for _, one in engine_of(bundle).filters:
        if isinstance(one, GrowingFilter):
            one.grow()
