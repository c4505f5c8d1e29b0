"""UDP-Lite has a number of its own."""

import socket

from attack import escaped, tries

with tries(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE):
    escaped("such a socket")
