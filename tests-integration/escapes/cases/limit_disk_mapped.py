"""A file grows by writing to its mapping."""

import mmap
import os
import time

from attack import WORLD, escaped, tries

with tries():
    maps = []
    for number in range(12):
        file = os.open(f"{WORLD.granted}/full-{number}", os.O_RDWR | os.O_CREAT)
        os.ftruncate(file, 4 << 20)
        mapped = mmap.mmap(file, 4 << 20)
        mapped[:] = b"x" * len(mapped)
        maps.append(mapped)
    time.sleep(0.4)
    escaped(sum(map(len, maps)))
