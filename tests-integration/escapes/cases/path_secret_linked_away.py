"""A key gets a second, harmless name, and is read by it."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.link(WORLD.home + "/.ssh/id_rsa", WORLD.home + "/plain.txt")
    leaked(read(WORLD.home + "/plain.txt"))
