"""The skill tries, and kills itself at once."""

import contextlib
import os
import signal

from attack import WORLD, read, tries

with tries():
    with contextlib.suppress(OSError):
        read(WORLD.secret)
    os.kill(os.getpid(), signal.SIGKILL)
