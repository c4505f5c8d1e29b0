"""More is written to a file than is allowed."""

import time

from attack import escaped, tries

with tries(), open("out/full", "wb") as file:
    file.writelines(b"x" * (1 << 20) for _ in range(48))
    file.flush()
    time.sleep(0.4)
    escaped(file.tell())
