"""More memory is filled than is allowed."""

import time

from attack import escaped, held, tries

with tries():
    try:
        full = b"x" * (200 << 20)
        time.sleep(0.5)
        escaped(len(full))
    except MemoryError:
        held("no memory")
