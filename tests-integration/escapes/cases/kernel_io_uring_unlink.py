"""A file outside is removed by a ring."""

from attack import AT_FDCWD, WORLD, at, buffer, escaped, tries
from ring import UNLINKAT, submit

with tries():
    path = buffer(WORLD.victim.encode())
    submit(UNLINKAT, AT_FDCWD, 0, at(path), 0)
    escaped("removed")
