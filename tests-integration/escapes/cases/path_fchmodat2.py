"""The mode of a file outside is changed with the newest call for that."""

from attack import AT_FDCWD, WORLD, escaped, syscall, tries

with tries():
    syscall("fchmodat2", AT_FDCWD, WORLD.secret.encode(), 0o777, 0)
    escaped("changed")
