"""The matches of all rules and signals of a bundle in one text."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

from attrs import define, frozen

from haldir_scanner._engine._regexes import Regexes
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._rules._rule import Matcher, Rule, Signal
from haldir_scanner._text import Region, Text

_MAX_TRIES = 2_000
"""Places at which one pattern is looked at in one text, those in the wrong region and those excluded among them."""


class Filter(Protocol):
    """What rules out most patterns."""

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in ``text``; no other one can match."""
        ...


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
        is_complete: whether every place was looked at; False for a text with very many matches.
    """

    hits: list[Hit]
    signals: set[str]
    is_complete: bool = True


@frozen
class _Entry:
    """A matcher and whose it is, with the number of its first pattern and of its first exclusion."""

    owner: Rule | Signal
    matcher: Matcher
    first: int
    first_exclusion: int


class Patterns:
    """The patterns of a bundle, numbered: first those that are searched, then the exclusions.

    ``probes`` are what a fast filter looks for: the hints, and the patterns of matchers without one; ``meant`` gives
    the numbers of the patterns that each stands for.
    """

    def __init__(self, rules: Iterable[Rule], signals: Iterable[Signal]) -> None:
        owners = [(rule, rule.matcher) for rule in rules if rule.matcher is not None]
        owned: list[tuple[Rule | Signal, Matcher]] = [*owners, *((signal, signal.matcher) for signal in signals)]
        self.searched: list[str] = []
        self.entries: list[_Entry] = []
        self.entry_of: list[int] = []
        self.probes: list[str] = []
        self.meant: list[tuple[int, ...]] = []
        exclusions: list[str] = []
        for number, (owner, matcher) in enumerate(owned):
            self.entries.append(_Entry(owner, matcher, len(self.searched), len(exclusions)))
            own = range(len(self.searched), len(self.searched) + len(matcher.patterns))
            self.probes += matcher.hint or matcher.patterns
            self.meant += [tuple(own)] * len(matcher.hint) if matcher.hint else [(one,) for one in own]
            self.entry_of += [number] * len(matcher.patterns)
            self.searched += matcher.patterns
            exclusions += matcher.exclude
        self.all = [*self.searched, *exclusions]
        self.hints = [hint for entry in self.entries for hint in entry.matcher.hint]


@frozen
class Engine:
    """A compiled bundle."""

    _patterns: Patterns
    filter: Filter
    _regexes: Regexes

    def search(self, text: Text, *, per_rule: int) -> Found:
        """What is in ``text``; of a derived text every rule counts once, because it has but one place."""
        searched = _without_continuations(text.data)
        here = _Here(text)
        found = Found([], set())
        for number, candidates in self._candidates(searched).items():
            entry = self._patterns.entries[number]
            if entry.matcher.file_types.isdisjoint(here.all_types):
                continue
            search = _Search(self, entry, searched, here, found)
            search.run(candidates, 1 if isinstance(entry.owner, Signal) else per_rule)
        return found

    def _candidates(self, text: bytes) -> dict[int, list[int]]:
        """The numbers of the patterns that may match, by the entry that they belong to."""
        by_entry: dict[int, list[int]] = {}
        for number in sorted(set(self.filter.candidates(text))):
            by_entry.setdefault(self._patterns.entry_of[number], []).append(number)
        return by_entry

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


@frozen
class _Search:
    """The search for one entry in one text."""

    engine: Engine
    entry: _Entry
    text: bytes
    here: _Here
    found: Found

    def run(self, candidates: Collection[int], most: int) -> None:
        matcher = self.entry.matcher
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
            if taken == most:
                return

    def _matches(self, number: int) -> Iterator[tuple[int, int]]:
        """The matches of a pattern that count, at most one per line."""
        start = tries = 0
        while (span := self.engine.find(number, self.text, start, len(self.text))) is not None:
            tries += 1
            if tries > _MAX_TRIES:
                self.found.is_complete = False
                return
            matched = self.text[slice(*span)]
            # A regex that begins with "anything but a letter" may begin with the line feed of the line before.
            begin, end = span[1] - len(matched.lstrip()), span[1]
            start = max(end, span[0] + 1)
            if not self.here.admits(self.entry.matcher, begin) or self.engine.is_excluded(self.entry, matched.strip()):
                continue
            yield begin, end
            line_end = self.text.find(b"\n", begin)
            start = max(start, len(self.text) if line_end < 0 else line_end)

    def _together(self) -> Iterator[tuple[int, int]]:
        """The matches of the first of several patterns that have a match of each other one near them."""
        matcher, first = self.entry.matcher, self.entry.first
        for begin, end in self._matches(first):
            low, high = max(0, begin - matcher.near), min(len(self.text), begin + matcher.near)
            others = range(first + 1, first + len(matcher.all_of))
            if all(self.engine.find(number, self.text, low, high) is not None for number in others):
                yield begin, end


def _without_continuations(data: bytes) -> bytes:
    """``data`` with shell line continuations blanked; every offset is the same in both."""
    # A search for one byte is many times faster than one for two.
    if b"\\" not in data or (b"\\\n" not in data and b"\\\r\n" not in data):
        return data
    return data.replace(b"\\\r\n", b"   ").replace(b"\\\n", b"  ")
