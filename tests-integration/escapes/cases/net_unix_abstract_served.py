"""A service with an abstract name is offered to processes outside."""

import socket

from attack import WORLD, held, tries

with tries(), socket.socket(socket.AF_UNIX) as listener:
    listener.bind("\0" + WORLD.listening)
    listener.listen()
    listener.settimeout(0.7)
    listener.accept()
    held("unless the visitor came from outside")
