"""The name of the machine is set to what it is."""

import socket

from attack import escaped, tries

with tries():
    socket.sethostname(socket.gethostname())
    escaped("set")
