"""Standard output is flooded."""

import os

from attack import tries

with tries():
    for _ in range(512):
        os.write(1, b"A" * 65536)
