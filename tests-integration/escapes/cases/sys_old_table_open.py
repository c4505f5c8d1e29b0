"""A file is opened through the 32-bit system calls (int 0x80)."""

import os

from attack import WORLD, leaked, tries
from oldcall import OLD_OPEN, low_text, old_syscall

with tries():
    leaked(os.read(old_syscall(OLD_OPEN, low_text(WORLD.secret.encode()), os.O_RDONLY), 100))
