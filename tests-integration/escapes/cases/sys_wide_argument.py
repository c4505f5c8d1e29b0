"""An argument has rubbish in its upper half, which the kernel ignores."""

import socket

from attack import WORLD, leaked, syscall, tries

SOCKET = 41

with tries():
    rubbish = 0x7FFF << 32
    number = syscall(SOCKET, socket.AF_UNIX | rubbish, socket.SOCK_STREAM | rubbish, rubbish)
    with socket.socket(fileno=number) as peer:
        peer.connect("\0" + WORLD.abstract)
        leaked(peer.recv(100))
