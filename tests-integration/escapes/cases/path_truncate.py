"""A file outside is emptied without being opened."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.truncate(WORLD.victim, 0)
    escaped("emptied")
