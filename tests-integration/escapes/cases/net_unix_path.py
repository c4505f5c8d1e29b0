"""A service outside is reached by the path of its socket."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout(2)
    peer.connect(WORLD.stream)
    leaked(peer.recv(100))
