"""A folder outside is bound over a readable one."""

import os

from attack import WORLD, leaked, read, syscall, tries

CLONE_NEWUSER, CLONE_NEWNS, MS_BIND, MS_REC = 0x10000000, 0x00020000, 4096, 16384

with tries():
    syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    syscall("mount", WORLD.outside.encode(), os.getcwd().encode() + b"/data", b"none", MS_BIND | MS_REC, 0)
    leaked(read("data/id_secret"))
