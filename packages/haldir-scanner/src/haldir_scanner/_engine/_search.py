"""The matches of all rules and signals of a bundle in one text."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from attrs import define, field, frozen

from haldir_scanner._engine._filter import Filter, Pass
from haldir_scanner._engine._hyperscan import Probe
from haldir_scanner._engine._phrases import Wanted
from haldir_scanner._engine._probes import probe_of_file, probe_of_text, probes_of, seldomest
from haldir_scanner._engine._regexes import Regexes
from haldir_scanner._files._filetypes import PROSE, FileType
from haldir_scanner._rules._rule import Matcher, Rule, Signal
from haldir_scanner._text import Region, Text

_BLOCK_BYTES = 512
_OVERLAP_BYTES = 256
_BLOCKS_AT_ONCE = 256
"""In which one pattern is tried after the other."""
# What may match across a paragraph's end, or counts lines, or hundreds of letters.
_FAR = re.compile(
    r"\[\\s\\S\]|\(\?[im]*s|\\s\{\d+,\d{2,}\}|\{\d{3,}[,}]"
    # Much of anything that a line feed may be part of.
    r"|\[\^(?![^\]]*\\[ns])(?:\\.|[^\]\\])*\](?:[*+]|\{\d+,(?:\d{3,})?\})|\\n\)[*+{]|\(\?:\\n[^()]*\)[*+{]"
    # A line feed, and after it another one, perhaps.
    r"|\\n(?:[+*{(]|\\[sn]|\[(?!\^\\n)(?:\^|[^\]]*\\[sn]))"
)
_BLANKS = re.compile(rb"\s+")
_NOTHING_BUT_BYTES = frozenset({FileType.BINARY})
_MAX_TRIES = 2_000
"""Places at which one pattern is looked at in one text, those in the wrong region and those excluded among them."""


@frozen
class Hit:
    """A rule and the bytes of a text that match it."""

    rule: Rule
    begin: int
    end: int


@define
class Found:
    """What was found in a text.

    Attributes:
        hits: of each rule at most one per line and ``per_rule`` in all, in no particular order.
        signals: ids of the signals that are given.
        counts: number of hits by rule.
        is_complete: whether every place was looked at; False for a text with very many matches.
    """

    hits: list[Hit]
    signals: set[str]
    counts: Counter[str] = field(factory=Counter)
    is_complete: bool = True


@frozen
class _Entry:
    """A matcher and whose it is, with the number of its first pattern and of its first exclusion."""

    owner: Rule | Signal
    matcher: Matcher
    first: int
    first_exclusion: int

    @property
    def numbers(self) -> range:
        """The numbers of its patterns."""
        return range(self.first, self.first + len(self.matcher.patterns))

    @property
    def is_led(self) -> bool:
        """Whether all of its patterns are tried where something is found, which is in many more texts than a match."""
        return bool(self.matcher.hint or self.matcher.all_of)

    def wanted(self, number: int) -> Wanted:
        """What is looked for by block in place of a pattern."""
        if not self.matcher.all_of:
            source = self.source(number)
            return Wanted(number, (source,), lambda: source, 0)
        patterns = self.matcher.all_of
        return Wanted(number, patterns, lambda: seldomest(patterns), self.reach)

    @property
    def reach(self) -> int:
        """How many blocks before and after the one with the first of several patterns the others may be."""
        blocks = self.matcher.near // _BLOCK_BYTES + 1
        return 1 << (blocks - 1).bit_length()  # few different ones

    def source(self, number: int) -> str:
        """One of its patterns."""
        return self.matcher.patterns[number - self.first]

    def probes(self, number: int) -> list[Probe]:
        """What is looked for first, and the numbers of the patterns that may match where it is found."""
        if not self.is_led:
            return [(probe, (number,)) for probe in probes_of(self.source(number))]
        return [(probe, tuple(self.numbers)) for probe in self._leads] if number == self.first else []

    @property
    def _leads(self) -> Sequence[str]:
        """What stands for all of its patterns: its hints, or where all are needed, the seldomest one."""
        return self.matcher.hint or probes_of(seldomest(self.matcher.all_of))

    def goes_far(self, number: int) -> bool:
        """Whether a pattern is looked for in a text as a whole: its match may go beyond a paragraph."""
        return any(map(_FAR.search, self.matcher.patterns if self.is_led else (self.source(number),)))

    def stands_for(self, number: int) -> bool:
        """Whether a pattern is looked for by block: of several that are needed only the first one is, for all."""
        return not self.matcher.all_of or number == self.first


@frozen
class Group:
    """Patterns that are searched for in the same kinds of text, so that prose costs data nothing.

    Attributes:
        types: a text of none of these has no match.
        is_of_prose: whether it is for texts that may be prose, or for all others.
        is_by_block: whether each block of a text is searched by itself, because no match goes beyond a paragraph.
        numbers: of the patterns; by block, of several that are needed it is the first one.
        sources: the patterns.
    """

    types: frozenset[FileType]
    is_of_prose: bool
    is_by_block: bool
    numbers: tuple[int, ...]
    sources: tuple[str, ...]
    _members: tuple[tuple[_Entry, int], ...]

    @classmethod
    def of(cls, members: Sequence[tuple[_Entry, int]], *, is_of_prose: bool, is_by_block: bool = False) -> "Group":
        """The group of these patterns, each with its entry."""
        return cls(
            types=frozenset().union(*(entry.matcher.file_types for entry, _ in members)),
            is_of_prose=is_of_prose,
            is_by_block=is_by_block,
            numbers=tuple(number for _, number in members),
            sources=tuple(entry.source(number) for entry, number in members),
            members=tuple(members),
        )

    def is_for(self, types: frozenset[FileType]) -> bool:
        """Whether a text of these types is searched for the patterns."""
        return self.is_of_prose != types.isdisjoint(PROSE) and not self.types.isdisjoint(types)

    def wanted(self) -> list[Wanted]:
        """What is looked for by block."""
        return [entry.wanted(number) for entry, number in self._members]

    def probes(self) -> list[Probe]:
        """What a fast filter looks for: hints, and the patterns of which no seldom word is known."""
        relax = probe_of_text if self.is_of_prose or FileType.BINARY not in self.types else probe_of_file
        return [(relax(probe), numbers) for entry, number in self._members for probe, numbers in entry.probes(number)]


class Patterns:
    """The patterns of a bundle, numbered: first those that are searched, then the exclusions."""

    def __init__(self, rules: Iterable[Rule], signals: Iterable[Signal]) -> None:
        owners = [(rule, rule.matcher) for rule in rules if rule.matcher is not None]
        owned: list[tuple[Rule | Signal, Matcher]] = [*owners, *((signal, signal.matcher) for signal in signals)]
        self.searched: list[str] = []
        self.entries: list[_Entry] = []
        self.entry_of: list[int] = []
        exclusions: list[str] = []
        for number, (owner, matcher) in enumerate(owned):
            self.entries.append(_Entry(owner, matcher, len(self.searched), len(exclusions)))
            self.entry_of += [number] * len(matcher.patterns)
            self.searched += matcher.patterns
            exclusions += matcher.exclude
        self.all = [*self.searched, *exclusions]
        self.hinted = [number for entry in self.entries if entry.matcher.hint for number in entry.numbers]
        self.hints = [hint for entry in self.entries for hint in entry.matcher.hint]

    def groups(self) -> list[Group]:
        """The patterns by where they are searched: in prose whole or by paragraph; in everything else, in programs."""
        members = [(entry, number) for entry in self.entries for number in entry.numbers]
        anywhere = [one for one in members if FileType.BINARY in one[0].matcher.file_types]
        elsewhere = [one for one in members if FileType.BINARY not in one[0].matcher.file_types]
        groups = [
            Group.of(anywhere, is_of_prose=False),
            Group.of([one for one in elsewhere if not one[0].matcher.file_types <= PROSE], is_of_prose=False),
            Group.of([one for one in members if one[0].goes_far(one[1])], is_of_prose=True),
            Group.of(
                [one for one in members if not one[0].goes_far(one[1]) and one[0].stands_for(one[1])],
                is_of_prose=True,
                is_by_block=True,
            ),
        ]
        return [group for group in groups if group.numbers]


@frozen
class Engine:
    """A compiled bundle.

    Attributes:
        filters: one for each group of the patterns.
    """

    _patterns: Patterns
    filters: Sequence[tuple[Group, Filter]]
    _regexes: Regexes

    def search(self, text: Text, *, per_rule: int) -> Found:
        """What is in ``text``; of a derived text every rule counts once, because it has but one place."""
        here = _Here(text)
        searched = text.data if here.all_types == _NOTHING_BUT_BYTES else _without_continuations(text.data)
        found = Found([], set())
        for group, one in self.filters:
            if group.is_for(here.all_types):
                for block, entry, candidates in self._places(group, one, searched, here):
                    _Search(self, entry, searched, here, found, block, per_rule).run(candidates)
        return found

    def _places(
        self, group: Group, one: Filter, text: bytes, here: "_Here"
    ) -> Iterator[tuple["_Block", _Entry, Sequence[int]]]:
        """Where something may match: the part of a text, the entry, and the numbers of its patterns that may."""
        if group.is_by_block:
            yield from self._places_by_block(one, text, here)
            return
        for entry, candidates in self._by_entry(one.candidates(text), here):
            yield _Block(0, len(text)), entry, self._regexes.among(candidates, text) if entry.is_led else candidates

    def _places_by_block(
        self, one: Filter, text: bytes, here: "_Here"
    ) -> Iterator[tuple["_Block", _Entry, Sequence[int]]]:
        rest, blocks, led = _blocks(text), list[_Block](), dict[int, set[int]]()
        one_pass = one.pass_over(len(text))
        while some := list(islice(rest, _BLOCKS_AT_ONCE)):
            likely = self._likely_in(one_pass, [block.of(text) for block in some], here)
            for place, (block, numbers) in enumerate(zip(some, likely, strict=True), len(blocks)):
                for entry, candidates in self._by_entry(numbers, here):
                    if entry.matcher.all_of:
                        led.setdefault(entry.first, set()).update(range(place - entry.reach, place + entry.reach + 1))
                    else:
                        yield block, entry, candidates
            blocks += some
        for number, place in one_pass.around():
            led.setdefault(number, set()).add(place)
        for entry, _ in self._by_entry(led, here):
            near = [blocks[place] for place in sorted(led[entry.first]) if 0 <= place < len(blocks)]
            for block in _around(text, near, entry.matcher.near):
                yield block, entry, self._regexes.among(entry.numbers, block.of(text))

    def _likely_in(self, one: Pass, texts: Sequence[bytes], here: "_Here") -> Sequence[Sequence[int]]:
        """The numbers of the patterns that may match in each of some blocks.

        Each pattern is tried in one block after the other, while it is at hand.
        """
        having: dict[int, list[int]] = {}
        for place, text in enumerate(texts):
            for number in one.candidates(text):
                having.setdefault(number, []).append(place)
        numbers: list[list[int]] = [[] for _ in texts]
        for number, found in having.items():
            entry = self._patterns.entries[self._patterns.entry_of[number]]
            if not here.may_admit(entry.matcher):
                continue
            chosen = (
                range(len(found))
                if entry.matcher.all_of
                else self._regexes.likely(number, [texts[place] for place in found])
            )
            for place in chosen:
                numbers[found[place]].append(number)
        return numbers

    def _by_entry(self, numbers: Iterable[int], here: "_Here") -> Iterator[tuple[_Entry, Sequence[int]]]:
        """The entries that patterns belong to, with the numbers of those."""
        by_entry: dict[int, list[int]] = {}
        for number in sorted(set(numbers)):
            by_entry.setdefault(self._patterns.entry_of[number], []).append(number)
        for place, candidates in by_entry.items():
            entry = self._patterns.entries[place]
            if here.may_admit(entry.matcher):
                yield entry, candidates

    def find(self, number: int, text: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Begin and end of the leftmost match of pattern ``number`` within ``start`` and ``end``."""
        return self._regexes.find(number, text, start, end)

    def is_excluded(self, entry: _Entry, matched: bytes) -> bool:
        """Whether an exclusion of the entry is found in the matched text."""
        first = len(self._patterns.searched) + entry.first_exclusion
        numbers = range(first, first + len(entry.matcher.exclude))
        return any(self._regexes.find(number, matched, 0, len(matched)) is not None for number in numbers)


class _Here:
    """The types and the region at each place of a text."""

    def __init__(self, text: Text) -> None:
        self._text = text

    @cached_property
    def _begins(self) -> Sequence[int]:
        return [span.begin for span in self._text.spans]

    @cached_property
    def all_types(self) -> frozenset[FileType]:
        return self._text.types.union(*(span.types for span in self._text.spans))

    @cached_property
    def all_regions(self) -> frozenset[Region]:
        return frozenset((self._text.region, *(span.region for span in self._text.spans)))

    def may_admit(self, matcher: Matcher) -> bool:
        """Whether there may be a place in the text at which ``matcher`` counts."""
        return not (matcher.file_types.isdisjoint(self.all_types) or matcher.regions.isdisjoint(self.all_regions))

    def at(self, offset: int) -> tuple[Region, frozenset[FileType]]:
        number = bisect_right(self._begins, offset) - 1
        if number >= 0:
            span = self._text.spans[number]
            if offset < span.end:
                return span.region, span.types | self._text.types
        return self._text.region, self._text.types

    def admits(self, matcher: Matcher, offset: int) -> bool:
        if not self._text.spans:
            return self._text.region in matcher.regions
        region, types = self.at(offset)
        return region in matcher.regions and not types.isdisjoint(matcher.file_types)


class _Block(NamedTuple):
    """A part of a text that is searched by itself; what ends where the one before it was searched is not new."""

    begin: int
    end: int
    searched: int = 0

    def of(self, text: bytes) -> bytes:
        return text[self.begin : self.end]


@frozen
class _Search:
    """The search for one entry in one text, or in a block of it."""

    engine: Engine
    entry: _Entry
    text: bytes
    here: _Here
    found: Found
    block: _Block
    per_rule: int

    def run(self, candidates: Collection[int]) -> None:
        matcher = self.entry.matcher
        if isinstance(self.entry.owner, Signal):
            if self.entry.owner.id in self.found.signals:
                return
            most = 1
        else:
            most = self.per_rule - self.found.counts[self.entry.owner.id]
            if most <= 0:
                return
        if matcher.all_of:
            if len(candidates) == len(matcher.all_of):
                self._take(self._together(), most)
            return
        for number in candidates:
            self._take(self._matches(number), most)

    def _take(self, spans: Iterator[tuple[int, int]], most: int) -> None:
        for taken, (begin, end) in enumerate(spans, 1):
            if isinstance(self.entry.owner, Signal):
                self.found.signals.add(self.entry.owner.id)
            else:
                self.found.hits.append(Hit(self.entry.owner, begin, end))
                self.found.counts[self.entry.owner.id] += 1
            if taken == most:
                return

    def _matches(self, number: int) -> Iterator[tuple[int, int]]:
        """The matches of a pattern that count, at most one per line."""
        start, tries = self.block.begin, 0
        while (span := self.engine.find(number, self.text, start, self.block.end)) is not None:
            tries += 1
            if tries > _MAX_TRIES:
                self.found.is_complete = False
                return
            matched = self.text[slice(*span)]
            # A regex that begins with "anything but a letter" may begin with the line feed of the line before.
            begin, end = span[1] - len(matched.lstrip()), span[1]
            start = max(end, span[0] + 1)
            if end <= self.block.searched:
                continue
            if not self.here.admits(self.entry.matcher, begin) or self.engine.is_excluded(self.entry, matched.strip()):
                continue
            yield begin, end
            line_end = self.text.find(b"\n", begin, self.block.end)
            start = max(start, self.block.end if line_end < 0 else line_end)

    def _together(self) -> Iterator[tuple[int, int]]:
        """The matches of the first of several patterns that have a match of each other one near them."""
        matcher, first = self.entry.matcher, self.entry.first
        for begin, end in self._matches(first):
            low, high = max(0, begin - matcher.near), min(len(self.text), begin + matcher.near)
            others = range(first + 1, first + len(matcher.all_of))
            if all(self.engine.find(number, self.text, low, high) is not None for number in others):
                yield begin, end


def _blocks(text: bytes) -> Iterator[_Block]:
    """The paragraphs of a text, small ones together; a block ends where a line is blank.

    Where that is in the middle of a sentence, the next block begins with the last words before it, so that an order
    that a blank line divides is in one block as a whole.
    """
    begin = searched = 0
    while searched < len(text):
        blank = text.find(b"\n\n", searched + _BLOCK_BYTES)
        end = len(text) if blank < 0 else _after_blanks(text, blank)
        yield _Block(begin, end, searched)
        begin, searched = _resumed(text, begin, blank, end), end


def _around(text: bytes, blocks: Iterable[_Block], reach: int) -> Iterator[_Block]:
    """The parts of a text that have these blocks and ``reach`` bytes around them, from paragraph to paragraph."""
    begin = end = 0
    for block in blocks:
        low = text.rfind(b"\n\n", 0, max(0, block.begin - reach)) + 2
        low = low if low > 1 else 0
        high = text.find(b"\n\n", block.end + reach)
        high = high if high >= 0 else len(text)
        if low > end:
            if end:
                yield _Block(begin, end)
            begin = low
        end = max(end, high)
    if end:
        yield _Block(begin, end)


def _after_blanks(text: bytes, place: int) -> int:
    found = _BLANKS.match(text, place)
    return place if found is None else found.end()


def _resumed(text: bytes, begin: int, blank: int, end: int) -> int:
    """Where the block after the one that begins and ends there begins."""
    last = begin + len(text[begin:blank].rstrip())
    if text[last - 1 : last] in {b".", b""}:
        return end
    low = max(begin, last - _OVERLAP_BYTES)
    line = text.rfind(b"\n", low, last)
    if line >= 0:
        return line + 1
    word = text.find(b" ", low, last)
    return word + 1 if word >= 0 else end


def _without_continuations(data: bytes) -> bytes:
    """``data`` with shell line continuations blanked; every offset is the same in both."""
    # A search for one byte is many times faster than one for two.
    if b"\\" not in data or (b"\\\n" not in data and b"\\\r\n" not in data):
        return data
    return data.replace(b"\\\r\n", b"   ").replace(b"\\\n", b"  ")
