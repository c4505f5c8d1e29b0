"""A grant of the home folder reaches its keys from a folder opened without rights."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    folder = os.open(WORLD.home + "/.ssh", os.O_PATH)
    os.fchdir(folder)
    leaked(read("id_rsa"))
