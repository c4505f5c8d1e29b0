"""The attempt is made by an orphan, after the skill has ended well."""

import contextlib
import os
import time

from attack import WORLD, child, read, tries


def later() -> None:
    """Try when the parent is about to end."""
    os.setsid()
    time.sleep(0.02)
    with contextlib.suppress(OSError):
        read(WORLD.secret)
    time.sleep(0.2)


with tries():
    child(later)
    time.sleep(0.15)
