"""A socket with a name is made outside."""

import socket

from attack import WORLD, escaped, tries

with tries(), socket.socket(socket.AF_UNIX) as listener:
    listener.bind(WORLD.outside + "/made")
    escaped("made")
