"""It talks to the peer that it declares."""

import socket

from attack import WORLD

with socket.create_connection(("127.0.0.1", WORLD.declared), 2) as peer:
    assert peer.recv(100) == b"WELCOME\n"
print("DONE")
