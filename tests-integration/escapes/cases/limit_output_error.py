"""Standard error is flooded."""

import os

from attack import tries

with tries():
    for _ in range(512):
        os.write(2, b"A" * 65536)
