"""A file of a terabyte with nothing in it is made."""

import os
import time

from attack import WORLD, escaped, tries

with tries(), open(WORLD.granted + "/full", "wb") as file:
    os.ftruncate(file.fileno(), 1 << 40)
    time.sleep(0.4)
    escaped(os.fstat(file.fileno()).st_size)
