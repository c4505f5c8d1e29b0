"""The oldest call for opening a file is made by its number."""

import os

from attack import WORLD, leaked, read, syscall, tries

with tries():
    leaked(read(syscall("open", WORLD.secret.encode(), os.O_RDONLY, 0)))
