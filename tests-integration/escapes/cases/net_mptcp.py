"""Multipath TCP has a number of its own."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP) as peer:
    peer.settimeout(2)
    peer.connect(("127.0.0.1", WORLD.tcp4))
    leaked(peer.recv(100))
