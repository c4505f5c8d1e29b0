"""A setting of the kernel is opened for writing."""

import os

from attack import escaped, tries

with tries():
    os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)
    escaped("opened")
