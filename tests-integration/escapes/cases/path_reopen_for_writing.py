"""A descriptor for reading is reopened for writing."""

import os

from attack import WORLD, escaped, tries

with tries():
    reading = os.open(WORLD.victim, os.O_RDONLY)
    os.write(os.open(f"/proc/self/fd/{reading}", os.O_WRONLY), b"x")
    escaped("written")
