"""One attempt is buried among thousands of harmless actions."""

import contextlib
import os

from attack import WORLD, read, tries

with tries():
    for number in range(3000):
        with contextlib.suppress(OSError):
            os.close(os.open("SKILL.md" if number % 2 else f"data/none-{number}", os.O_RDONLY))
        if number == 1500:
            with contextlib.suppress(OSError):
                read(WORLD.secret)
