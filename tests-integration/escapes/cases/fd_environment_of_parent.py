"""The environment of the parent is read."""

import os

from attack import elsewhere, leaked, read, tries

with tries():
    leaked(read(f"/proc/{elsewhere(os.getppid())}/environ"))
