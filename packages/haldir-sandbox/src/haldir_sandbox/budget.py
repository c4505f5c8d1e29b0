"""The time that is left for everything."""

import time
from collections.abc import Callable

from attrs import define, field


@define
class Budget:
    """Seconds for all runs together, counted from its making."""

    total_seconds: float
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self.clock()

    @property
    def left_seconds(self) -> float:
        """What is left, never below 0."""
        return max(self._started + self.total_seconds - self.clock(), 0.0)

    def share(self, seconds: float | None) -> float:
        """Return ``seconds``, or what is left if that is less."""
        return self.left_seconds if seconds is None else min(seconds, self.left_seconds)
