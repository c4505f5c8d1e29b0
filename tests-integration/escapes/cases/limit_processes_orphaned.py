"""The processes beyond the limit are orphans in sessions of their own."""

import os
import time

from attack import child, escaped, tries

with tries():
    reading, writing = os.pipe()

    def orphan() -> None:
        """Tell, and live for a while."""
        os.write(writing, b".")
        time.sleep(3)

    def between() -> None:
        """Leave an orphan."""
        os.setsid()
        child(orphan)

    for _ in range(60):
        os.waitpid(child(between), 0)
    time.sleep(0.2)
    if len(os.read(reading, 100)) == 60:
        escaped("60 processes")
