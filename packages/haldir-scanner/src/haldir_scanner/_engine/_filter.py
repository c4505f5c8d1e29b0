"""What rules out most patterns of a bundle, for a text as a whole or block by block."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Protocol

from attrs import frozen


class Pass(Protocol):
    """One way through the blocks of a text."""

    def candidates(self, block: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in the next block."""
        ...

    def around(self) -> Iterable[tuple[int, int]]:
        """After the last block: the numbers of what may be in several ones, each with that of the one in the middle."""
        ...


class Filter(Protocol):
    """What rules out most patterns."""

    def candidates(self, text: bytes) -> Iterable[int]:
        """The numbers of the patterns that may match in ``text``; no other one can match."""
        ...

    def pass_over(self, size: int) -> Pass:
        """What tells the same block by block of a text of so many bytes."""
        ...


class OfOneBlock(ABC):
    """A filter that looks at each block by itself."""

    @abstractmethod
    def candidates(self, text: bytes) -> Iterable[int]:
        """See ``Filter.candidates``."""

    def pass_over(self, size: int) -> Pass:  # noqa: ARG002 - see Filter
        """See ``Filter.pass_over``."""
        return _EachByItself(self)


@frozen
class _EachByItself:
    """See ``Pass``."""

    _filter: OfOneBlock

    def candidates(self, block: bytes) -> Iterable[int]:
        """See ``Pass.candidates``."""
        return self._filter.candidates(block)

    def around(self) -> Iterable[tuple[int, int]]:
        """See ``Pass.around``."""
        return ()
