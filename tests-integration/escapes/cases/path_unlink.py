"""A file outside is removed."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.unlink(WORLD.victim)
    escaped("removed")
