"""Regexes over bytes that are confirmed where a filter says that they may match."""

import importlib.util
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Protocol

from attrs import frozen

from haldir_scanner._engine._filter import OfOneBlock
from haldir_scanner._engine._relaxation import relaxed
from haldir_scanner._errors import BundleError

MAX_PROGRAM_BYTES = 8 * 1024 * 1024
"""What RE2 may use for one pattern; a pattern that needs more is refused."""

_WINDOW_BYTES = 16_384
_FLAGS = re.compile(rb"^(?:\(\?([is]+)\))?")
# What tells the ends of a text from those of its lines.
_BOUND = re.compile(r"\\[Az]|\(\?\w*-")
_WIDE = re.compile(r"\\x[89a-f]|\\x\{|[^\x00-\x7f]")


class Regexes(Protocol):
    """A numbered list of regexes over bytes, multi-line mode on, one byte one character."""

    def find(self, number: int, text: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Begin and end of the leftmost match of regex ``number`` within ``start`` and ``end``."""
        ...

    def likely(self, number: int, texts: Sequence[bytes]) -> Iterable[int]:
        """The places of the texts in which regex ``number`` may match; it matches in no other one."""
        ...

    def among(self, numbers: Sequence[int], text: bytes) -> Sequence[int]:
        """Those of the regexes that may match in the text; no other one of these matches."""
        ...


def has_re2() -> bool:
    """Whether RE2 is installed; there is no wheel for musl."""
    return importlib.util.find_spec("re2") is not None


class Re2Regexes:
    """Regexes that RE2 matches, in time linear in the text.

    Spec: https://github.com/google/re2/wiki/Syntax, in the Latin-1 encoding, so that one byte is one character.
    """

    def __init__(self, sources: Sequence[str], guarded: Iterable[int] = ()) -> None:
        self._sources = sources
        self._compiled: list[Any] = [None] * len(sources)
        # Counted gaps make RE2 slow; where one is often looked for in vain, its open form, which is fast, goes first.
        self._guards: dict[int, Any] = dict.fromkeys(guarded)
        self._open: dict[int, OpenRegex] = {}
        self._together: dict[tuple[int, ...], Any] = {}

    def find(self, number: int, text: bytes, start: int, end: int) -> tuple[int, int] | None:
        """See ``Regexes.find``."""
        if number in self._guards:
            guard = self._guards[number]
            if guard is None:
                guard = self._guards[number] = _compiled(relaxed(self._sources[number]))
            if guard.search(text, start, end) is None:
                return None
        hit = self._regex(number).search(text, start, end)
        return None if hit is None else (hit.start(), hit.end())

    def likely(self, number: int, texts: Sequence[bytes]) -> Iterable[int]:
        """See ``Regexes.likely``."""
        regex = self._open.get(number)
        if regex is None:
            regex = self._open[number] = OpenRegex.of(self._sources[number])
        return regex.are_in(texts)

    def among(self, numbers: Sequence[int], text: bytes) -> Sequence[int]:
        """See ``Regexes.among``."""
        key = tuple(numbers)
        if key not in self._together:
            self._together[key] = _set_of([self._sources[number] for number in numbers])
        together = self._together[key]
        return numbers if together is None else [numbers[place] for place in sorted(together.Match(text) or ())]

    def check(self, number: int) -> None:
        """Refuse a regex that is none, needs too much memory, or matches the empty text.

        Raises: BundleError.
        """
        if self._regex(number).search(b"") is not None:
            raise BundleError(f"the pattern {self._sources[number]!r:.100} matches the empty text; it would match all")

    def _regex(self, number: int) -> Any:  # noqa: ANN401 - RE2 has no types
        regex = self._compiled[number]
        if regex is None:
            regex = self._compiled[number] = _compiled(self._sources[number])
        return regex


class StdlibRegexes:
    """Regexes of the built-in bundle, matched by the standard library in a window of the text.

    The window bounds what backtracking can cost.  A pattern that somebody else wrote never comes here.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self._compiled: list[re.Pattern[bytes] | None] = [None] * len(sources)

    def find(self, number: int, text: bytes, start: int, end: int) -> tuple[int, int] | None:
        """See ``Regexes.find``."""
        regex = self._compiled[number]
        if regex is None:
            regex = self._compiled[number] = re.compile(for_stdlib(self._sources[number]))
        while start < end:
            hit = regex.search(text, start, min(end, start + _WINDOW_BYTES))
            if hit is not None:
                return hit.span()
            start += _WINDOW_BYTES // 2
        return None

    def likely(self, number: int, texts: Sequence[bytes]) -> Iterable[int]:  # noqa: ARG002 - nothing is ruled out
        """See ``Regexes.likely``."""
        return range(len(texts))

    def among(self, numbers: Sequence[int], text: bytes) -> Sequence[int]:  # noqa: ARG002 - as above
        """See ``Regexes.among``."""
        return numbers


def for_stdlib(source: str) -> bytes:
    """A pattern of the built-in bundle in the syntax of the standard library."""
    return _FLAGS.sub(rb"(?m\1)", source.encode(), count=1)


@cache
def _options() -> Any:  # noqa: ANN401 - as above
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded when something is scanned; it has no types

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    options.max_mem = MAX_PROGRAM_BYTES
    return options


def _compiled(source: str) -> Any:  # noqa: ANN401 - as above
    import re2  # noqa: PLC0415 - as above

    try:
        return re2.compile(f"(?m){source}".encode(), _options())
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        raise BundleError(f"the pattern {source!r:.100} is refused: {reason}") from error


def _set_of(sources: Iterable[str]) -> Any:  # noqa: ANN401 - as above
    """What tells by one look which of the patterns may match; None if they are too many for one look."""
    import re2  # noqa: PLC0415 - as above

    found = re2.Set.SearchSet(_options())
    for source in sources:
        found.Add(f"(?m){relaxed(source)}".encode())
    try:
        found.Compile()
    except re2.error:
        return None
    return found


@frozen
class OpenRegex:
    """Says whether a pattern may match in a text, faster than the pattern itself: without the bounds of its repeats."""

    _match: Callable[[bytes], object]
    _is_bound: bool

    @classmethod
    def of(cls, source: str) -> "OpenRegex":
        """The one for a pattern."""
        import re2  # noqa: PLC0415 - as above

        # A set of one is told what it holds with the least ado.
        found = re2.Set.SearchSet(_options())
        found.Add(f"(?m){relaxed(source)}".encode())
        found.Compile()
        return cls(found.Match, _BOUND.search(source) is not None)

    def are_in(self, texts: Sequence[bytes]) -> list[int]:
        """The places of the texts in which the pattern may match; it matches in no other one."""
        # One look at all together mostly says that it is in none: a line feed is to a pattern what an end is.
        if len(texts) > 1 and not self._is_bound and not self._match(b"\n".join(texts)):
            return []
        return [place for place, text in enumerate(texts) if self._match(text)]


class Re2Filter(OfOneBlock):
    """Rules out most regexes by one pass over the text for the literals that they need."""

    def __init__(self, sources: Sequence[str], numbers: Sequence[int]) -> None:
        import re2  # noqa: PLC0415 - as above

        # RE2 makes no literals of bytes outside ASCII; a pattern with some is always a candidate.
        self._wide = [number for number, source in zip(numbers, sources, strict=True) if _WIDE.search(source)]
        wide = set(self._wide)
        self._narrow = [number for number in numbers if number not in wide]
        self._filter: Any = re2.Filter()
        for number, source in zip(numbers, sources, strict=True):
            if number not in wide:
                self._filter.Add(f"(?m){source}".encode(), _options())
        self._filter.Compile()

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the regexes whose literals are in ``text``; no other one can match."""
        if not self._narrow:
            return self._wide
        return [*(self._narrow[number] for number in self._filter.Match(text, True) or ()), *self._wide]
