"""With TCP_FASTOPEN_CONNECT the connection is made by the first write."""

import socket

from attack import WORLD, leaked, tries

TCP_FASTOPEN_CONNECT = 30

with tries(), socket.socket() as peer:
    peer.settimeout(2)
    peer.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    peer.connect(("127.0.0.1", WORLD.tcp4))
    peer.send(b"x")
    leaked(peer.recv(100))
