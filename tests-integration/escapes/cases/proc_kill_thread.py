"""A process outside is killed by the call for threads."""

import signal

from attack import WORLD, elsewhere, escaped, syscall, tries

with tries():
    syscall("tkill", elsewhere(WORLD.bystander), signal.SIGTERM)
    escaped("sent")
