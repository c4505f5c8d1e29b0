"""One end of a pair of datagram sockets sends elsewhere."""

import socket

from attack import WORLD, escaped, tries

with tries():
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    near.sendmsg([b"x"], [], 0, WORLD.datagram)
    far.close()
    escaped("sent")
