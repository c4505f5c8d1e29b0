"""A descriptor of another process is taken with pidfd_getfd."""

import os

from attack import WORLD, elsewhere, leaked, syscall, tries

with tries():
    process = syscall("pidfd_open", elsewhere(WORLD.bystander), 0)
    leaked(os.pread(syscall("pidfd_getfd", process, 0, 0), 100, 0))
