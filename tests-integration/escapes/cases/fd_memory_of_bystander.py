"""The memory of another process is read through its file."""

import os

from attack import WORLD, elsewhere, leaked, stack_of, tries

with tries():
    other = elsewhere(WORLD.bystander)
    memory = os.open(f"/proc/{other}/mem", os.O_RDONLY)
    first, size = stack_of(other)
    leaked(os.pread(memory, size, first))
