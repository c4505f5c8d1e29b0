"""The log of the kernel is opened for writing."""

import os

from attack import escaped, tries

with tries():
    os.open("/dev/kmsg", os.O_WRONLY)
    escaped("opened")
