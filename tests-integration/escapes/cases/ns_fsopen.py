"""A file system is configured by the new mount calls."""

import os

from attack import escaped, syscall, tries

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000

with tries():
    if os.getuid():
        syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    syscall("fsopen", b"tmpfs", 0)
    escaped("opened")
