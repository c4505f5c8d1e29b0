"""A service outside is reached through a link to its socket."""

import os
import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout(2)
    os.symlink(WORLD.stream, "out/s")
    peer.connect("out/s")
    leaked(peer.recv(100))
