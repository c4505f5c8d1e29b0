"""The runner is killed by somebody; what it ran must not run on unwatched."""

import ctypes
import os
import signal
import time

from attack import child, tries

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def stubborn() -> None:
    """Take back whatever would end this process with its parent, then live on."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child(lambda: time.sleep(60))
    time.sleep(60)


def apart() -> None:
    """Do so in a session of its own."""
    os.setsid()
    stubborn()


with tries():
    child(apart)
    stubborn()
