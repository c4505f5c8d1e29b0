"""A link made in a writable folder leads out."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.symlink(WORLD.secret, "out/link")
    leaked(read("out/link"))
