"""A process outside hands its descriptor over a socket with a name."""

import socket

from attack import WORLD, leaked, read, tries

with tries(), socket.socket(socket.AF_UNIX) as peer:
    peer.connect(WORLD.giver)
    leaked(read(socket.recv_fds(peer, 10, 1)[1][0]))
