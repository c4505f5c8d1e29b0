"""A socket of the express path is opened."""

import socket

from attack import escaped, tries

AF_XDP = 44

with tries(), socket.socket(AF_XDP, socket.SOCK_RAW):
    escaped("such a socket")
