"""A fast filter for patterns of prose: the phrases that they need, told by one pass over the plain form of a text.

Patterns of many words and long gaps make an automaton slow; their phrases are literals, which cost next to nothing.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from threading import Lock
from typing import Any

from attrs import define, field, frozen

from haldir_scanner._engine._choice import chosen, merged
from haldir_scanner._engine._hyperscan import (
    HyperscanFilter,
    Probe,
    Store,
    database_key,
    database_of,
    load,
    save,
    teller,
)
from haldir_scanner._engine._needed import plain
from haldir_scanner._engine._probes import probe_of_sentence

_KIND = "phrases 7"
"""Raised when the way changes in which phrases are read out of patterns."""


@frozen
class Needs:
    """What patterns need, by their place in a list: of each clause one phrase."""

    phrases: tuple[str, ...]
    clauses: tuple[Sequence[Sequence[int]], ...]

    @classmethod
    def of(cls, sources: Sequence[str]) -> "Needs":
        """The needs of patterns; one that is better looked for itself has no clause."""
        found = merged(map(chosen, sources))
        phrases = tuple(sorted({phrase for clauses in found for clause in clauses for phrase in clause}))
        number = {phrase: place for place, phrase in enumerate(phrases)}
        clauses = (tuple(tuple(sorted(number[phrase] for phrase in clause)) for clause in clauses) for clauses in found)
        return cls(phrases, tuple(clauses))

    @property
    def none(self) -> list[int]:
        """The places of the patterns that need no phrase; each is looked for as it is."""
        return [place for place, clauses in enumerate(self.clauses) if not clauses]


@define
class _Ledger:
    """Which patterns have all of their clauses, for sets of phrases.

    A phrase is an integer with a bit for each clause that it fulfils: the first clauses of all patterns, then the
    second ones, and so on.  The sum of what was found has all layers' bits where a pattern has all clauses.

    Attributes:
        numbers: of the phrases; those that fulfil the same clauses have the same one, so that it is told but once.
    """

    numbers: tuple[int, ...]
    _masks: list[int]
    _given: int
    _width: int
    _layers: int

    @classmethod
    def of(cls, needs: Needs) -> "_Ledger":
        width = len(needs.clauses)
        layers = max(map(len, needs.clauses), default=0)
        masks, given = [0] * len(needs.phrases), 0
        for place, clauses in enumerate(needs.clauses):
            for layer in range(layers):
                bit = 1 << (layer * width + place)
                if layer >= len(clauses):
                    # A pattern of which nothing is known is looked for elsewhere.
                    given |= bit if clauses else 0
                    continue
                for phrase in clauses[layer]:
                    masks[phrase] |= bit
        number = {mask: place for place, mask in enumerate(dict.fromkeys(masks))}
        return cls(tuple(map(number.__getitem__, masks)), list(number), given, width, layers)

    def complete(self, found: Iterable[int]) -> list[int]:
        """The places of the patterns that have a phrase with one of these numbers for each of their clauses."""
        sum_ = reduce(or_, map(self._masks.__getitem__, found), self._given)
        both = sum_ & ((1 << self._width) - 1)
        for layer in range(1, self._layers):
            both &= sum_ >> (layer * self._width)
        places = []
        while both:
            lowest = both & -both
            places.append(lowest.bit_length() - 1)
            both ^= lowest
        return places


@define
class PhraseFilter:
    """Rules out patterns whose phrases are not all there; patterns that need none are left to Hyperscan."""

    _numbers: Sequence[int]
    _database: Any
    _ledger: _Ledger
    _others: HyperscanFilter
    # See HyperscanFilter.
    _lock: Lock = field(factory=Lock, repr=False)

    @classmethod
    def of(cls, sources: Sequence[str], numbers: Sequence[int], digest: str, store: Store) -> "PhraseFilter":
        """The filter for patterns with these numbers: out of the store, or built and stored."""
        return cls.stored(sources, numbers, digest, store) or cls._built(sources, numbers, digest, store)

    @classmethod
    def stored(cls, sources: Sequence[str], numbers: Sequence[int], digest: str, store: Store) -> "PhraseFilter | None":
        """The filter, if the store has it."""
        loaded = load(store, _key(sources, digest))
        if loaded is None:
            return None
        database, (phrases, clauses) = loaded
        needs = Needs(tuple(phrases), tuple(clauses))
        others = HyperscanFilter.stored([sources[place] for place in needs.none], digest, store)
        return None if others is None else cls(numbers, database, _Ledger.of(needs), others)

    @classmethod
    def _built(cls, sources: Sequence[str], numbers: Sequence[int], digest: str, store: Store) -> "PhraseFilter":
        needs = Needs.of(sources)

        def probes() -> list[Probe]:
            return [(probe_of_sentence(sources[place]), (numbers[place],)) for place in needs.none]

        ledger = _Ledger.of(needs)
        database = database_of([phrase.encode() for phrase in needs.phrases], ledger.numbers)
        if database is not None:
            save(store, _key(sources, digest), database, [needs.phrases, needs.clauses])
        others = HyperscanFilter.of([sources[place] for place in needs.none], probes, digest, store)
        return cls(numbers, database, ledger, others)

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in ``text``; no other one can match."""
        found: list[int] = []
        if self._database is not None:
            with self._lock:
                self._database.scan(plain(text), teller(found))
        complete = self._ledger.complete(found)
        return [*(self._numbers[place] for place in complete), *self._others.candidates(text)]


def _key(sources: Sequence[str], digest: str) -> str:
    return database_key(digest, (_KIND, *sources))
