"""A connection is made through the one socket call of the 32-bit table."""

import os
import struct

from attack import WORLD, leaked, tries
from oldcall import OLD_SOCKETCALL, low_text, old_syscall

SOCKET, CONNECT = 1, 3

with tries():
    peer = old_syscall(OLD_SOCKETCALL, SOCKET, low_text(struct.pack("III", 2, 1, 0)))
    address = low_text(struct.pack("=H", 2) + struct.pack("!H4s8x", WORLD.tcp4, b"\x7f\0\0\1"))
    old_syscall(OLD_SOCKETCALL, CONNECT, low_text(struct.pack("III", peer, address, 16)))
    leaked(os.read(peer, 100))
