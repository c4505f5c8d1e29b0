"""A socket with a declared peer is dissolved (AF_UNSPEC) and connected elsewhere."""

import ctypes
import socket

from attack import WORLD, leaked, tries

with tries(), socket.create_connection(("127.0.0.1", WORLD.declared), 2) as peer:
    peer.recv(100)
    ctypes.CDLL(None).connect(peer.fileno(), bytes(16), 16)
    peer.connect(("127.0.0.1", WORLD.tcp4))
    leaked(peer.recv(100))
