"""The working folder moves out, and the magic link to it is followed."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.chdir(WORLD.outside)
    leaked(read("/proc/self/cwd/id_secret"))
