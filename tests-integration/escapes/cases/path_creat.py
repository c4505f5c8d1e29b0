"""The old call creat empties a file outside."""

from attack import WORLD, escaped, syscall, tries

with tries():
    syscall("creat", WORLD.victim.encode(), 0o600)
    escaped("emptied")
