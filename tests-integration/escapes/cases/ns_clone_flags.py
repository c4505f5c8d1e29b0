"""A child is made in namespaces of its own, by the old clone."""

import os

from attack import escaped, syscall, tries

CLONE_NEWUSER, CLONE_NEWPID, SIGCHLD = 0x10000000, 0x20000000, 17

with tries():
    pid = syscall("clone", CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    escaped("made")
