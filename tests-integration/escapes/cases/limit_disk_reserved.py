"""The room for a file is reserved without writing."""

import os
import time

from attack import WORLD, escaped, tries

with tries(), open(WORLD.granted + "/full", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, 48 << 20)
    time.sleep(0.4)
    escaped(os.fstat(file.fileno()).st_blocks * 512)
