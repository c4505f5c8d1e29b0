"""A datagram is sent to an abstract name."""

import socket

from attack import WORLD, escaped, tries

with tries(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
    peer.sendto(b"x", "\0" + WORLD.abstract_datagram)
    escaped("sent")
