"""The root moves to a folder outside."""

import os

from attack import WORLD, leaked, read, syscall, tries

CLONE_NEWUSER = 0x10000000

with tries():
    if os.getuid():
        syscall("unshare", CLONE_NEWUSER)
    os.chroot(WORLD.outside)
    leaked(read("/id_secret"))
