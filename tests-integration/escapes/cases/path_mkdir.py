"""A folder is made outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.mkdir(WORLD.outside + "/made")
    escaped("made")
