"""A folder outside is removed."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.rmdir(WORLD.outside + "/empty")
    escaped("removed")
