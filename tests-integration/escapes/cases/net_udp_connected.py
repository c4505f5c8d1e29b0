"""A datagram is sent on a connected socket."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.settimeout(0.5)
    peer.connect(("127.0.0.1", WORLD.udp4))
    peer.send(b"x")
    leaked(peer.recv(100))
