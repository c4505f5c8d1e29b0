"""More is written to a granted folder elsewhere than is allowed."""

import time

from attack import WORLD, escaped, tries

with tries():
    for number in range(12):
        with open(f"{WORLD.granted}/full-{number}", "wb") as file:
            file.write(b"x" * (4 << 20))
    time.sleep(0.4)
    escaped("48 MiB")
