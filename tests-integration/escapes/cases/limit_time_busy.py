"""Threads compute longer than is allowed, and SIGTERM is blocked."""

import signal
import threading
import time

from attack import tries


def compute() -> None:
    """Compute for a while."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass


with tries():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threads = [threading.Thread(target=compute) for _ in range(3)]
    for thread in threads:
        thread.start()
