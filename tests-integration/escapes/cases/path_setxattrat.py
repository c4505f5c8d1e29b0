"""An attribute of a file outside is set with the newest call for that."""

import struct

from attack import AT_FDCWD, WORLD, at, buffer, escaped, syscall, tries

with tries():
    value = buffer(b"1")
    arguments = struct.pack("QII", at(value), 1, 0)
    syscall("setxattrat", AT_FDCWD, WORLD.victim.encode(), 0, b"user.made", buffer(arguments), len(arguments))
    escaped("changed")
