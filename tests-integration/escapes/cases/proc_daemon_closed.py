"""A daemon without any descriptor outlives the skill."""

import os
import time

from attack import child, held, tries


def daemon() -> None:
    """Close everything, then live on."""
    os.setsid()
    os.closerange(0, 64)
    child(lambda: time.sleep(60))


with tries():
    os.waitpid(child(daemon), 0)
    held("unless it lives on")
