"""The magic links of the thread lead out."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(os.path.join("/proc/thread-self/../..", "root", "proc/self", "root") + WORLD.secret))
