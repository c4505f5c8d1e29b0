"""A descriptor without rights (O_PATH) is reopened with rights."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    handle = os.open(WORLD.secret, os.O_PATH)
    leaked(read(f"/proc/self/fd/{handle}"))
