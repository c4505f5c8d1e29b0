"""The process sleeps longer than is allowed, deaf to SIGTERM."""

import signal
import time

from attack import tries

with tries():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(30)
