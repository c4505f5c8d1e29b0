"""A datagram is sent by IPv6."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
    peer.settimeout(0.5)
    peer.sendto(b"x", ("::1", WORLD.udp6))
    leaked(peer.recv(100))
