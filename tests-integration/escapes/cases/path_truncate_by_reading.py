"""A file that may be read only is emptied: opened for reading with O_TRUNC."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.open(WORLD.victim, os.O_RDONLY | os.O_TRUNC)
    escaped("emptied")
