"""Ctrl-C and its like, kept waiting while something must not be left half done."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let INT, TERM and HUP wait until the block has ended; meant for milliseconds of writing or cleaning up."""
    import signal  # noqa: PLC0415 - a verification does not need it

    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
