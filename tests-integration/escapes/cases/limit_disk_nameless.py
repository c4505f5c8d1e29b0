"""The files beyond the limit have no name any more."""

import os
import time

from attack import WORLD, escaped, tries

with tries():
    kept = []
    for _ in range(12):
        file = open(WORLD.granted + "/full", "wb", buffering=0)
        os.unlink(WORLD.granted + "/full")
        kept.append(file)
        file.write(b"x" * (4 << 20))
    time.sleep(0.4)
    escaped(len(kept) * 4 << 20)
