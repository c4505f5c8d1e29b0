"""A datagram is sent to the path of a socket outside."""

import socket

from attack import WORLD, escaped, tries

with tries(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
    peer.sendto(b"x", WORLD.datagram)
    escaped("sent")
