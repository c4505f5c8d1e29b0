"""The files that the runner has open are written through its descriptors."""

import contextlib
import os

from attack import elsewhere, escaped, tries

with tries():
    parent = elsewhere(os.getppid())
    for number in range(64):
        with contextlib.suppress(OSError):
            os.close(os.open(f"/proc/{parent}/fd/{number}", os.O_WRONLY | os.O_APPEND))
            escaped(f"opened {number}")
