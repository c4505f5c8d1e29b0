"""A connection is made by a grandchild after its parents are gone."""

import os
import socket
import time

from attack import WORLD, child, leaked, tries


def orphan() -> None:
    """Wait until there is no parent, then connect."""
    child(connect)


def connect() -> None:
    """Connect and listen to the answer."""
    time.sleep(0.1)
    with tries(), socket.create_connection(("127.0.0.1", WORLD.tcp4), 2) as peer:
        leaked(peer.recv(100))


os.waitpid(child(orphan), 0)
time.sleep(0.4)
