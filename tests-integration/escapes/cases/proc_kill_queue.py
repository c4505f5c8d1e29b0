"""A process outside is killed by a queued signal."""

import signal
import struct

from attack import WORLD, buffer, elsewhere, escaped, syscall, tries

SI_QUEUE = -1

with tries():
    info = struct.pack("iii", signal.SIGTERM, 0, SI_QUEUE).ljust(128, b"\0")
    syscall("rt_sigqueueinfo", elsewhere(WORLD.bystander), signal.SIGTERM, buffer(info))
    escaped("sent")
