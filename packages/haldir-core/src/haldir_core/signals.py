"""Ctrl-C and its like, kept waiting while something must not be left half done."""

import contextlib
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let INT, TERM and HUP wait until the block has ended; meant for milliseconds of writing or cleaning up.

    A mask would not do: it is one thread's, the kernel gives a signal to any other that has it open, and Python's
    handler runs in the main thread all the same.  Outside the main thread no handler runs anyhow.
    """
    import signal  # noqa: PLC0415 - a verification does not need it
    import threading  # noqa: PLC0415 - same

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) is not None}
    came: list[int] = []
    holding = True

    def wait(number: int, _: FrameType | None) -> None:
        if holding:
            came.append(number)
        else:  # another signal came while this handler was to be replaced
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

    def raise_all() -> None:
        try:
            signal.raise_signal(came.pop(0))
        finally:
            if came:
                raise_all()

    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, wait)
        yield
    finally:
        holding = False
        try:
            for number, handler in before.items():
                signal.signal(number, handler)
        finally:
            if came:
                raise_all()
