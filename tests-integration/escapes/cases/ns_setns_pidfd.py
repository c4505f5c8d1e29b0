"""The process enters namespaces of a child of its own by a descriptor of the process."""

import os

from attack import child, escaped, syscall, tries

CLONE_NEWUSER = 0x10000000

with tries():
    reading, writing = os.pipe()
    pause, go = os.pipe()

    def apart() -> None:
        """Live in a namespace of its own until the parent is done."""
        syscall("unshare", CLONE_NEWUSER)
        os.write(writing, b"x")
        os.close(go)
        os.read(pause, 1)

    pid = child(apart)
    os.close(writing)
    if os.read(reading, 1):
        syscall("setns", syscall("pidfd_open", pid, 0), CLONE_NEWUSER)
        escaped("entered")
