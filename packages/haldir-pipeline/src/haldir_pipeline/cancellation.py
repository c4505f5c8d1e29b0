"""Ending a vetting before its end."""

import threading

from attrs import define, field


@define(eq=False)
class Cancellation:
    """A switch that anybody may throw, once; what is running then ends as soon as it can."""

    _event: threading.Event = field(init=False, factory=threading.Event)

    def cancel(self) -> None:
        """No further layer is begun."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was thrown."""
        return self._event.is_set()
