"""A connection is begun on a socket that does not wait."""

import select
import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket() as peer:
    peer.setblocking(False)
    peer.connect_ex(("127.0.0.1", WORLD.tcp4))
    if select.select([peer], [], [], 1)[0]:
        leaked(peer.recv(100))
