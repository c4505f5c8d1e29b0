"""The number of a system call has rubbish in its upper half, which the kernel ignores."""

import os

from attack import WORLD, leaked, read, syscall, tries

with tries():
    leaked(read(syscall(257 | 0x7FFF << 32, -100, WORLD.secret.encode(), os.O_RDONLY, 0)))
