"""A pipe with a name is made outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.mkfifo(WORLD.outside + "/made")
    escaped("made")
