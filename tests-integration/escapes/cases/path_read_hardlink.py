"""A file outside is linked into a writable folder."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.link(WORLD.secret, WORLD.granted + "/taken")
    leaked(read(WORLD.granted + "/taken"))
