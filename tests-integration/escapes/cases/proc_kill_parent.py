"""The parent is killed, which is the runner."""

import os
import signal

from attack import elsewhere, escaped, tries

with tries():
    os.kill(elsewhere(os.getppid()), signal.SIGKILL)
    escaped("sent")
