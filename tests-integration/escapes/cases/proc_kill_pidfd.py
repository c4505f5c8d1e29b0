"""A process outside is killed by its descriptor."""

import os
import signal

from attack import WORLD, elsewhere, escaped, tries

with tries():
    signal.pidfd_send_signal(os.pidfd_open(elsewhere(WORLD.bystander)), signal.SIGTERM)
    escaped("sent")
