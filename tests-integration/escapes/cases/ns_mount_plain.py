"""A file system is mounted without any new namespace."""

from attack import WORLD, escaped, syscall, tries

UMOUNT2_DETACH = 2

with tries():
    place = WORLD.granted.encode() + b"/inner"
    syscall("mount", b"none", place, b"tmpfs", 0, 0)
    syscall("umount2", place, UMOUNT2_DETACH)
    escaped("mounted")
