"""A file outside is opened with openat2."""

import struct

from attack import AT_FDCWD, WORLD, buffer, leaked, read, syscall, tries

with tries():
    how = struct.pack("QQQ", 0, 0, 0)
    leaked(read(syscall("openat2", AT_FDCWD, WORLD.secret.encode(), buffer(how), len(how))))
