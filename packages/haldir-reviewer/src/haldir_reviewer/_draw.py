"""Random choices that follow from one seed and a label, so that they do not depend on the order of tasks."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import TypeVar

from attrs import field, frozen

SEED_BYTES = 32

Item = TypeVar("Item")


@frozen
class Draw:
    """A source of choices: the same seed and label give the same choice."""

    seed: bytes = field(repr=False)

    def within(self, label: str) -> "Draw":
        """Return the source for everything below ``label``."""
        return Draw(self._digest(f"within {label}"))

    def token(self, label: str, length: int = 12) -> str:
        """Return up to 64 hexadecimal digits."""
        return self._digest(f"token {label}").hex()[:length]

    def number(self, label: str, below: int) -> int:
        """Return a number from 0; a bias of one in 2**200 is none."""
        return int.from_bytes(self._digest(f"number {label}"), "big") % below

    def pick(self, label: str, items: Sequence[Item]) -> Item:
        """Return one of ``items``."""
        return items[self.number(label, len(items))]

    def shuffled(self, label: str, items: Sequence[Item]) -> tuple[Item, ...]:
        """Return ``items`` in another order."""
        keys = [self._digest(f"shuffle {label} {position}") for position in range(len(items))]
        return tuple(items[position] for position in sorted(range(len(items)), key=keys.__getitem__))

    def _digest(self, label: str) -> bytes:
        return hmac.digest(self.seed, label.encode(), hashlib.sha256)
