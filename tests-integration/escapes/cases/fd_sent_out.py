"""A descriptor of its own is sent to a process outside."""

import socket

from attack import WORLD, escaped, tries

with tries(), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer, open("SKILL.md", "rb") as own:
    peer.connect(WORLD.packets)
    socket.send_fds(peer, [b"x"], [own.fileno()])
    escaped("sent")
