"""The mode of a file is changed through the 32-bit system calls (int 0x80)."""

from attack import WORLD, escaped, tries
from oldcall import OLD_CHMOD, low_text, old_syscall

with tries():
    old_syscall(OLD_CHMOD, low_text(WORLD.secret.encode()), 0o777)
    escaped("changed")
