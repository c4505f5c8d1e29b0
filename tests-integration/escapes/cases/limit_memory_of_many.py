"""Every process stays below the limit of memory, together they do not."""

import os
import time

from attack import child, escaped, tries

with tries():
    reading, writing = os.pipe()

    def fill() -> None:
        """Hold some memory, and tell."""
        full = b"x" * (40 << 20)
        os.write(writing, full[:1])
        time.sleep(1)

    for _ in range(6):
        child(fill)
    time.sleep(0.7)
    if len(os.read(reading, 10)) == 6:
        escaped("6 times 40 MiB")
