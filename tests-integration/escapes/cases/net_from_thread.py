"""A connection is made by a thread."""

import socket
import threading

from attack import WORLD, leaked, tries


def connect() -> None:
    """Connect and listen to the answer."""
    with tries(), socket.create_connection(("127.0.0.1", WORLD.tcp4), 2) as peer:
        leaked(peer.recv(100))


thread = threading.Thread(target=connect)
thread.start()
thread.join()
