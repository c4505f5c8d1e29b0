"""A port is offered to processes outside."""

import socket

from attack import WORLD, held, tries

with tries(), socket.socket() as listener:
    listener.bind(("127.0.0.1", WORLD.free))
    listener.listen()
    listener.settimeout(0.7)
    listener.accept()
    held("unless the visitor came from outside")
