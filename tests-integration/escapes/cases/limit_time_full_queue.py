"""A local server takes nobody: whoever connects for the process waits, and looks at no clock."""

import os
import signal
import socket
import time

from attack import tries

with tries():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.chdir("out")
    server = socket.socket(socket.AF_UNIX)
    server.bind("server")
    server.listen(0)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(0.2)
            socket.socket(socket.AF_UNIX).connect("server")
            time.sleep(30)
            os._exit(0)
    time.sleep(30)
