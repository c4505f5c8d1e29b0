"""The port is declared, the host is not."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.create_connection(("127.0.0.2", WORLD.declared), 2) as peer:
    leaked(peer.recv(100))
