"""A socket to the host of a virtual machine is opened."""

import socket

from attack import escaped, tries

with tries(), socket.socket(socket.AF_VSOCK):
    escaped("such a socket")
