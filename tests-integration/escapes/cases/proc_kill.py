"""A process outside is killed."""

import os
import signal

from attack import WORLD, elsewhere, escaped, tries

with tries():
    os.kill(elsewhere(WORLD.bystander), signal.SIGTERM)
    escaped("sent")
