"""A connection is made although the network is denied."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.create_connection(("127.0.0.1", WORLD.tcp4), 2) as peer:
    leaked(peer.recv(100))
