"""A datagram is sent with sendto."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.settimeout(0.5)
    peer.sendto(b"x", ("127.0.0.1", WORLD.udp4))
    leaked(peer.recv(100))
