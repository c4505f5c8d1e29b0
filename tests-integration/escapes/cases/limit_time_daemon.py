"""At the time limit only a daemon is still there, which holds the output open."""

import os
import signal
import time

from attack import child, held, tries


def daemon() -> None:
    """Live on, deaf to SIGTERM."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


with tries():
    child(daemon)
    held("unless it lives on")
    time.sleep(1)
