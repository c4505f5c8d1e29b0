"""Every process makes two more, until there are too many."""

import os
import time

from attack import escaped, tries

with tries():
    top = os.getpid()
    reading, writing = os.pipe()
    for _ in range(6):
        os.fork()
    os.write(writing, b".")
    if os.getpid() != top:
        time.sleep(3)
        os._exit(0)
    time.sleep(0.4)
    if len(os.read(reading, 100)) == 64:
        escaped("64 processes")
