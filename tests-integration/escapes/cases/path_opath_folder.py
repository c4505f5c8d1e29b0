"""A folder outside is opened without rights, and a file relative to it."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    folder = os.open(WORLD.outside, os.O_PATH)
    leaked(read(os.open("id_secret", os.O_RDONLY, dir_fd=folder)))
