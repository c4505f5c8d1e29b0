"""Sending with MSG_FASTOPEN connects without connect."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket() as peer:
    peer.settimeout(2)
    peer.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", WORLD.tcp4))
    leaked(peer.recv(100))
