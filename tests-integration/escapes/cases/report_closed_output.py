"""The skill closes its output before it tries."""

import contextlib
import os

from attack import WORLD, read, tries

with tries():
    os.closerange(0, 3)
    with contextlib.suppress(OSError):
        read(WORLD.secret)
    os._exit(0)
