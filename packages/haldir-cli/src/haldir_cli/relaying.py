"""Signals for this process, passed on to the program that it runs."""

import signal
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from haldir_enforcer import Session

RELAYED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
"""What is passed on to the program, which has a session of its own."""


class Relay:
    """Signals for this process reach the program; those that come before it runs, as soon as it does."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: list[int] = []
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there signals arrive
            for number in RELAYED:
                handler = signal.getsignal(number)
                if handler not in {signal.SIG_IGN, None}:  # what this process was told to ignore is not for the program
                    self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal returned

    def to(self, session: "Session") -> None:
        """What has arrived is passed on, and what will arrive."""
        self._session = session
        while self._early:
            session.signal(self._early.pop(0))

    def _pass_on(self, number: int, _frame: object) -> None:
        if self._session is None:
            if number in self._early:
                raise KeyboardInterrupt  # asked twice: the start takes too long for somebody
            self._early.append(number)
        elif self._session.is_over:  # only a slow reader of its output is waited for
            raise KeyboardInterrupt
        else:
            self._session.signal(number)
