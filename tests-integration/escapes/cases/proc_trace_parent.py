"""The parent is traced, which is the runner."""

import os

from attack import elsewhere, escaped, syscall, tries

PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17

with tries():
    syscall("ptrace", PTRACE_SEIZE, elsewhere(os.getppid()), 0, 0)
    escaped("traced")
