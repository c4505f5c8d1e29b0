"""A file of its own gets a name outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.link(WORLD.granted + "/plain.txt", WORLD.outside + "/made")
    escaped("linked")
