"""Standard output is reopened by its name, and flooded by a child."""

import os

from attack import child, tries


def flood() -> None:
    """Write to the output by another descriptor."""
    other = os.open("/proc/self/fd/1", os.O_WRONLY | os.O_APPEND)
    for _ in range(512):
        os.write(other, b"A" * 65536)


with tries():
    os.waitpid(child(flood), 0)
