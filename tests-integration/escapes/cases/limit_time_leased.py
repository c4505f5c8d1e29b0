"""The process leases a file that its child opens: whoever carries the open out waits, and looks at no clock."""

import fcntl
import os
import signal
import time
from contextlib import suppress

from attack import tries

with tries():
    for number in (signal.SIGIO, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    file = os.open("out/leased", os.O_CREAT | os.O_RDWR, 0o600)
    with suppress(OSError):
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    if os.fork() == 0:
        os.close(file)
        time.sleep(0.2)
        os.open("out/leased", os.O_RDWR)
        os._exit(0)
    time.sleep(30)
