"""A connection is made by a ring, without any call to connect."""

import socket
import struct

from attack import WORLD, at, buffer, leaked, tries
from ring import CONNECT, submit

with tries(), socket.socket() as peer:
    address = buffer(struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", WORLD.tcp4, b"\x7f\0\0\1"))
    submit(CONNECT, peer.fileno(), 16, at(address), 0)
    leaked(peer.recv(100))
