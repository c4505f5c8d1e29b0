"""RE2 with types: regexes over bytes, and a literal prefilter for many of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]  # the distribution carries no stubs

_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.never_capture = True
_OPTIONS.log_errors = False


class Regexes:
    """A numbered list of regexes over bytes; matching takes time linear in the text.

    Spec: https://github.com/google/re2/wiki/Syntax, in the Latin-1 encoding, so that one byte is one character.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._compiled = self._compile([f"(?m){source}" for source in sources])

    def _compile(self, sources: Sequence[str]) -> list[Any]:
        return [re2.compile(source.encode(), _OPTIONS) for source in sources]

    def candidates(self, text: bytes) -> Iterable[int]:  # noqa: ARG002 - a subclass looks at the text
        """The numbers of the regexes that may match in ``text``."""
        return range(len(self._compiled))

    def find(self, number: int, text: bytes, start: int) -> tuple[int, int] | None:
        """Begin and end of the leftmost match of regex ``number`` at or after ``start``."""
        hit = self._compiled[number].search(text, start)
        return None if hit is None else (hit.start(), hit.end())


class FilteredRegexes(Regexes):
    """Regexes of which most are ruled out by one pass over the text, for the literals that they need.

    The literals must be ASCII.
    """

    def _compile(self, sources: Sequence[str]) -> list[Any]:
        self._filter: Any = re2.Filter()
        for source in sources:
            self._filter.Add(source.encode(), _OPTIONS)
        self._filter.Compile()
        return [self._filter.re(number) for number in range(len(sources))]

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the regexes whose literals are in ``text``; no other one can match."""
        return sorted(self._filter.Match(text, True) or ())
