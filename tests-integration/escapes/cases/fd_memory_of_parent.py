"""The memory of the parent is written through its file."""

import os

from attack import elsewhere, escaped, tries

with tries():
    os.open(f"/proc/{elsewhere(os.getppid())}/mem", os.O_RDWR)
    escaped("opened")
