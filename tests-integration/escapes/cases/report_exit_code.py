"""The skill tries, and ends with the code of a refused start."""

import contextlib
import os

from attack import WORLD, read, tries

with tries():
    with contextlib.suppress(OSError):
        read(WORLD.secret)
    os._exit(125)
