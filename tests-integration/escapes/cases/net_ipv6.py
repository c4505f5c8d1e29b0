"""A connection by IPv6 although an IPv4 address is declared."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.create_connection(("::1", WORLD.tcp6), 2) as peer:
    leaked(peer.recv(100))
