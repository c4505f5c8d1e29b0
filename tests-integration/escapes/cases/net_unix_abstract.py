"""A service outside is reached by an abstract name."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout(2)
    peer.connect("\0" + WORLD.abstract)
    leaked(peer.recv(100))
