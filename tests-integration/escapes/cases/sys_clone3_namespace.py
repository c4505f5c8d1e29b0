"""The newest call for processes, whose flags lie in memory, makes a namespace."""

import os
import struct

from attack import buffer, escaped, syscall, tries

CLONE_NEWUSER, SIGCHLD = 0x10000000, 17

with tries():
    arguments = struct.pack("11Q", CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0)
    pid = syscall("clone3", buffer(arguments), len(arguments))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    escaped("made")
