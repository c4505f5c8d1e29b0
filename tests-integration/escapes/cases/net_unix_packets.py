"""A service outside is reached by a socket of packets."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
    peer.settimeout(2)
    peer.connect(WORLD.packets)
    leaked(peer.recv(100))
