"""An IPv4 address is written as an IPv6 one."""

import socket

from attack import WORLD, leaked, tries

with tries(), socket.socket(socket.AF_INET6) as peer:
    peer.settimeout(2)
    peer.connect(("::ffff:127.0.0.1", WORLD.tcp4))
    leaked(peer.recv(100))
