"""The times of a file outside are changed."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.utime(WORLD.secret, (1, 1))
    escaped("changed")
