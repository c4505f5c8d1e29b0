"""A file outside is moved into a writable folder."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.rename(WORLD.secret, WORLD.granted + "/taken")
    leaked(read(WORLD.granted + "/taken"))
