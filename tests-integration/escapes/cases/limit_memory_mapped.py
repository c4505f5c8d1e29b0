"""The memory beyond the limit is shared and mapped."""

import mmap
import time

from attack import escaped, tries

with tries():
    full = mmap.mmap(-1, 200 << 20)
    for place in range(0, len(full), 4096):
        full[place] = 1
    time.sleep(0.5)
    escaped(len(full))
