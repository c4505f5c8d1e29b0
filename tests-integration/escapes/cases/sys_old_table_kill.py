"""A process outside is killed through the 32-bit system calls (int 0x80)."""

import signal

from attack import WORLD, elsewhere, escaped, tries
from oldcall import OLD_KILL, old_syscall

with tries():
    old_syscall(OLD_KILL, elsewhere(WORLD.bystander), signal.SIGTERM)
    escaped("killed")
