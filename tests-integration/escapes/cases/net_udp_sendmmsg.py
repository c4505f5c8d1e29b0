"""Several datagrams are sent by one call."""

import socket
import struct

from attack import WORLD, at, buffer, leaked, syscall, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.settimeout(0.5)
    address = buffer(struct.pack("=H", 2) + struct.pack("!H4s8x", WORLD.udp4, b"\x7f\0\0\1"))
    text = buffer(b"x")
    piece = buffer(struct.pack("QQ", at(text), 1), 16)
    header = struct.pack("QI4xQQQQi4x", at(address), 16, at(piece), 1, 0, 0, 0) + bytes(8)
    syscall("sendmmsg", peer.fileno(), buffer(header * 2, len(header) * 2), 2, 0)
    leaked(peer.recv(100))
