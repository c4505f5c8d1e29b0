"""A declared port is for connecting: another socket listens beside the real one."""

import socket

from attack import WORLD, escaped, tries

with tries(), socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.3", WORLD.declared))
    listener.listen()
    escaped("listening")
