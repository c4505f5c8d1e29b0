"""A fast filter for patterns of prose: the phrases that they need, told by one pass over the plain form of a text.

Patterns of many words and long gaps make an automaton slow; their phrases are literals, which cost next to nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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

_KIND = "phrases 9"
"""Numbered anew when the way changes in which phrases are read out of patterns."""


@frozen
class Wanted:
    """What is looked for in the blocks of a text.

    Attributes:
        number: what is told of it.
        patterns: all of them are needed.
        lead: the one that is looked for itself, where nothing is known of the phrases of any.
        reach: how many blocks before and after the one with the first pattern the others may be.
    """

    number: int
    patterns: tuple[str, ...]
    lead: Callable[[], str]
    reach: int


@frozen
class Needs:
    """What is needed, by its place in a list: of each clause one phrase."""

    phrases: tuple[str, ...]
    clauses: tuple[Sequence[Sequence[int]], ...]

    @classmethod
    def of(cls, wanted: Iterable[Wanted]) -> "Needs":
        """The needs of what is wanted; what is better looked for itself has no clause."""
        found = merged(chosen(*one.patterns) for one in wanted)
        phrases = tuple(sorted({phrase for clauses in found for clause in clauses for phrase in clause}))
        number = {phrase: place for place, phrase in enumerate(phrases)}
        clauses = (tuple(tuple(sorted(number[phrase] for phrase in clause)) for clause in clauses) for clauses in found)
        return cls(phrases, tuple(clauses))

    @property
    def none(self) -> list[int]:
        """The places of what needs no phrase; it is looked for as it is."""
        return [place for place, clauses in enumerate(self.clauses) if not clauses]


@frozen
class _Layers:
    """Bits for the clauses of several things: of all the first clauses, then of those that have them the second ones.

    Attributes:
        size: number of bits.
    """

    size: int
    _places: list[int]
    _layers: list[tuple[int, int, int]]

    @classmethod
    def of(cls, needs: Needs, places: Iterable[int]) -> "_Layers":
        """Those of what is at these places and has clauses, the ones with most of them first."""
        known = sorted(
            (place for place in places if needs.clauses[place]), key=lambda place: -len(needs.clauses[place])
        )
        layers, first, every = [], 0, (1 << len(known)) - 1
        for layer in range(len(needs.clauses[known[0]]) if known else 0):
            width = sum(len(needs.clauses[place]) > layer for place in known)
            of_layer = (1 << width) - 1
            layers.append((first, of_layer, every ^ of_layer))
            first += width
        return cls(first, known, layers)

    def bits(self) -> Iterator[tuple[int, int, int]]:
        """A bit for each clause: the place of what has it, the number of the clause, the bit."""
        for layer, (first, of_layer, _) in enumerate(self._layers):
            for number in range(of_layer.bit_length()):
                yield self._places[number], layer, 1 << (first + number)

    def complete(self, sum_: int) -> list[int]:
        """The places of what has the bits of all its clauses."""
        both = -1
        for first, of_layer, others in self._layers:
            both &= (sum_ >> first) & of_layer | others
        complete = []
        while both > 0:
            highest = both.bit_length() - 1
            complete.append(self._places[highest])
            both ^= 1 << highest
        return complete


@define
class _Ledger:
    """What has all of its clauses, for sets of phrases.

    A phrase is an integer with a bit for each clause that it fulfils: first those of what is found in one block, then
    those of what is found in several ones.

    Attributes:
        numbers: of the phrases; those that fulfil the same clauses have the same one, so that it is told but once.
    """

    numbers: tuple[int, ...]
    _masks: list[int]
    _here: _Layers
    _around: _Layers
    _reaches: list[tuple[int, int]]

    @classmethod
    def of(cls, needs: Needs, reaches: Sequence[int]) -> "_Ledger":
        here = _Layers.of(needs, (place for place, reach in enumerate(reaches) if not reach))
        around = _Layers.of(needs, (place for place, reach in enumerate(reaches) if reach))
        masks, by_reach = [0] * len(needs.phrases), dict[int, int]()
        for first, layers in ((0, here), (here.size, around)):
            for place, layer, bit in layers.bits():
                by_reach[reaches[place]] = by_reach.get(reaches[place], 0) | bit
                for phrase in needs.clauses[place][layer]:
                    masks[phrase] |= bit << first
        by_reach.pop(0, None)
        number = {mask: place for place, mask in enumerate(dict.fromkeys(masks))}
        return cls(tuple(map(number.__getitem__, masks)), list(number), here, around, sorted(by_reach.items()))

    def sum_of(self, found: Iterable[int]) -> int:
        """The clauses that phrases with these numbers fulfil."""
        return reduce(or_, map(self._masks.__getitem__, found), 0)

    def complete(self, sum_: int) -> list[int]:
        """The places of what has all clauses in one block."""
        return self._here.complete(sum_)

    def rest(self, sum_: int) -> int:
        """Of the clauses of a block those of what is found in several ones."""
        return sum_ >> self._here.size

    def complete_around(self, rests: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The places of what has all clauses in several blocks, each with the number of the one in the middle."""
        reach, sums, wanted = 0, list(rests), [0] * len(rests)
        for most, bits in self._reaches:
            while reach < most:
                step = min(most - reach, 2 * reach + 1)
                before, after = [*sums[:1] * step, *sums], [*sums, *sums[-1:] * step][step:]
                sums = [first | sum_ | last for first, sum_, last in zip(before, sums, after, strict=False)]
                reach += step
            wanted = [all_ | sum_ & bits for all_, sum_ in zip(wanted, sums, strict=True)]
        for middle, sum_ in enumerate(wanted):
            for place in self._around.complete(sum_):
                yield place, middle


@define
class PhraseFilter:
    """Rules out what has not all of its phrases; what needs none is left to Hyperscan."""

    _wanted: Sequence[Wanted]
    _database: Any
    _ledger: _Ledger
    _others: HyperscanFilter
    # See HyperscanFilter.
    _lock: Lock = field(factory=Lock, repr=False)

    @classmethod
    def of(cls, wanted: Sequence[Wanted], digest: str, store: Store) -> "PhraseFilter":
        """The filter for what is wanted: out of the store, or built and stored."""
        return cls.stored(wanted, digest, store) or cls._built(wanted, digest, store)

    @classmethod
    def stored(cls, wanted: Sequence[Wanted], digest: str, store: Store) -> "PhraseFilter | None":
        """The filter, if the store has it."""
        loaded = load(store, _key(wanted, digest))
        if loaded is None:
            return None
        database, (phrases, clauses) = loaded
        needs = Needs(tuple(phrases), tuple(clauses))
        others = HyperscanFilter.stored(_patterns(wanted, needs.none), digest, store)
        return None if others is None else cls(wanted, database, _ledger_of(wanted, needs), others)

    @classmethod
    def _built(cls, wanted: Sequence[Wanted], digest: str, store: Store) -> "PhraseFilter":
        needs = Needs.of(wanted)
        ledger = _ledger_of(wanted, needs)

        def probes() -> list[Probe]:
            return [(probe_of_sentence(wanted[place].lead()), (wanted[place].number,)) for place in needs.none]

        database = database_of([phrase.encode() for phrase in needs.phrases], ledger.numbers)
        if database is not None:
            save(store, _key(wanted, digest), database, [needs.phrases, needs.clauses])
        others = HyperscanFilter.of(_patterns(wanted, needs.none), probes, digest, store)
        return cls(wanted, database, ledger, others)

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of what may be in ``text``; nothing else can be."""
        candidates, rest = self.look_at(text)
        return [*candidates, *(number for number, _ in self.around([rest]))]

    def pass_over(self, size: int) -> "_Pass":  # noqa: ARG002 - see Filter
        """See ``Filter.pass_over``."""
        return _Pass(self)

    def look_at(self, block: bytes) -> tuple[list[int], int]:
        """The numbers of what may be in a block, and what is to be kept of the block for ``around``."""
        found: list[int] = []
        if self._database is not None:
            with self._lock:
                self._database.scan(plain(block), teller(found))
        sum_ = self._ledger.sum_of(found)
        complete = [self._wanted[place].number for place in self._ledger.complete(sum_)]
        return [*complete, *self._others.candidates(block)], self._ledger.rest(sum_)

    def around(self, rests: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The numbers of what may be in several of these blocks, each with that of one among them."""
        return ((self._wanted[place].number, middle) for place, middle in self._ledger.complete_around(rests))


@define
class _Pass:
    """See ``Pass``."""

    _filter: PhraseFilter
    _rests: list[int] = field(factory=list)

    def candidates(self, block: bytes) -> Iterable[int]:
        """See ``Pass.candidates``."""
        candidates, rest = self._filter.look_at(block)
        self._rests.append(rest)
        return candidates

    def around(self) -> Iterator[tuple[int, int]]:
        """See ``Pass.around``."""
        return self._filter.around(self._rests)


def _patterns(wanted: Sequence[Wanted], places: Iterable[int]) -> list[str]:
    return [pattern for place in places for pattern in wanted[place].patterns]


def _ledger_of(wanted: Iterable[Wanted], needs: Needs) -> _Ledger:
    return _Ledger.of(needs, [one.reach for one in wanted])


def _key(wanted: Sequence[Wanted], digest: str) -> str:
    reaches = " ".join(str(one.reach) for one in wanted)
    return database_key(digest, (_KIND, reaches, *_patterns(wanted, range(len(wanted)))))
