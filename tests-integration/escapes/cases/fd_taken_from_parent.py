"""The descriptors of the parent are taken with pidfd_getfd."""

import os

from attack import elsewhere, escaped, syscall, tries

with tries():
    process = syscall("pidfd_open", elsewhere(os.getppid()), 0)
    for number in range(3):
        syscall("pidfd_getfd", process, number, 0)
        escaped(f"took {number}")
