"""More is written to many small files than is allowed."""

import time

from attack import escaped, tries

with tries():
    for number in range(1500):
        with open(f"out/{number}", "wb") as file:
            file.write(b"x" * 20000)
    time.sleep(0.4)
    escaped(1500 * 20000)
