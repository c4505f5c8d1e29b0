"""A socket listens that was never bound: the kernel picks the port."""

import socket

from attack import escaped, tries

with tries(), socket.socket() as listener:
    listener.listen()
    if listener.getsockname()[1]:
        escaped("listening")
