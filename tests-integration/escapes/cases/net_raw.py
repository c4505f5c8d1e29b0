"""A raw socket sends what looks like a datagram."""

import socket
import struct

from attack import WORLD, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
    raw.sendto(struct.pack("!HHHH", 9, WORLD.udp4, 9, 0) + b"x", ("127.0.0.1", 0))
