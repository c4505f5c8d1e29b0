"""A packet socket sees every frame."""

import socket

from attack import escaped, tries

with tries(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
    escaped("such a socket")
