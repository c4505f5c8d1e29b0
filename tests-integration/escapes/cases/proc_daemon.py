"""A daemon in a session of its own outlives the skill."""

import os
import signal
import time

from attack import child, held, tries


def daemon() -> None:
    """Live on, deaf to every polite signal."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    child(lambda: time.sleep(60))


with tries():
    os.waitpid(child(daemon), 0)
    held("unless it lives on")
