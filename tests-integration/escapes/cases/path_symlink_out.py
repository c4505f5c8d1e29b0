"""A link is made outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.symlink("anything", WORLD.outside + "/made")
    escaped("linked")
