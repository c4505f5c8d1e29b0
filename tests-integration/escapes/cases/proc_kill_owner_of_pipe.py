"""The kernel is asked to signal a process outside when there is something to read."""

import fcntl
import os
import signal
import socket

from attack import WORLD, elsewhere, tries

F_SETSIG = 10

with tries():
    near, far = socket.socketpair()
    fcntl.fcntl(near, fcntl.F_SETOWN, elsewhere(WORLD.bystander))
    fcntl.fcntl(near, F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(near, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    far.send(b"x")
