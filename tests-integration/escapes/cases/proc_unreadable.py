"""The process makes its memory unreadable for the supervisor, then opens a file outside."""

import ctypes

from attack import WORLD, leaked, read, tries

PR_SET_DUMPABLE = 4

with tries():
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    leaked(read(WORLD.secret))
