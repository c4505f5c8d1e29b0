"""A segment of System V shared memory of another process is read."""

import ctypes

from attack import WORLD, leaked, syscall, tries

SHM_RDONLY = 0o10000

with tries():
    place = syscall("shmat", syscall("shmget", WORLD.segment, 0, 0), 0, SHM_RDONLY)
    leaked(ctypes.string_at(place, 64))
