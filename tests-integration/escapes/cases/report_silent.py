"""The skill tries to read, connect and execute, swallows every error and says nothing."""

import contextlib
import socket
import subprocess

from attack import WORLD, read, tries

with tries():
    with contextlib.suppress(OSError):
        read(WORLD.secret)
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", WORLD.tcp4), 1)
    with contextlib.suppress(OSError):
        subprocess.run(["/usr/bin/id"], capture_output=True, check=False)
