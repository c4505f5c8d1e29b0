"""The mode of a file that may be read only is changed by its descriptor."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.fchmod(os.open(WORLD.victim, os.O_RDONLY), 0o777)
    escaped("changed")
