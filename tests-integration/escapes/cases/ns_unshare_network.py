"""A network namespace is made, and raw sockets in it."""

import socket

from attack import escaped, syscall, tries

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

with tries():
    syscall("unshare", CLONE_NEWUSER | CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
        escaped("a raw socket")
