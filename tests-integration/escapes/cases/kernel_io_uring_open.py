"""A file is opened by a ring, without any call to open."""

import os

from attack import AT_FDCWD, WORLD, at, buffer, leaked, tries
from ring import OPENAT, submit

with tries():
    path = buffer(WORLD.secret.encode())
    leaked(os.pread(submit(OPENAT, AT_FDCWD, 0, at(path), 0), 100, 0))
