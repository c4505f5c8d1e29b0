"""A program is started through the 32-bit system calls (int 0x80)."""

import struct

from attack import executed, spoken, tries
from oldcall import OLD_EXECVE, low_text, old_syscall

with tries():
    path = low_text(b"/usr/bin/id")
    arguments = low_text(struct.pack("II", path, 0))
    executed(spoken(lambda: old_syscall(OLD_EXECVE, path, arguments)))
