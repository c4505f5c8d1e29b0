"""The sockets of the machine are listed through netlink."""

import socket
import struct

from attack import WORLD, escaped, tries

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, LISTEN = 4, 20, 0x301, 1 << 10

with tries(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
    question = struct.pack("=BBBxI48x", socket.AF_INET, socket.IPPROTO_TCP, 0, LISTEN)
    kernel.sendto(
        struct.pack("=IHHII", 16 + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0) + question, (0, 0)
    )
    kernel.settimeout(0.5)
    if any(struct.pack("!H", WORLD.tcp4) in kernel.recv(65536) for _ in range(3)):
        escaped("seen")
