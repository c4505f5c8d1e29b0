"""One operation of io_uring: a ring is made, the operation is submitted, its result is read."""

import mmap
import os
import struct

from attack import buffer, syscall

CONNECT, OPENAT, UNLINKAT = 16, 18, 36
"""Source: include/uapi/linux/io_uring.h, as of everything here."""
SQ_RING, CQ_RING, ENTRIES_RING = 0, 0x8000000, 0x10000000
GETEVENTS = 1
ENTRY = "<BBHiQQIIQ24x"


def submit(operation: int, descriptor: int, offset: int, address: int, length: int) -> int:
    """Return the result of one operation; raise OSError where it fails."""
    settings = buffer(b"", 120)
    ring = syscall("io_uring_setup", 4, settings)
    fields = struct.unpack("30I", settings.raw)
    entries, results = fields[0], fields[1]
    # the fields from 10 on are sq_off (head, tail, ring_mask, ring_entries, flags, dropped, array), from 20 on cq_off
    tail, array, completed = fields[11], fields[16], fields[25]
    submission = mmap.mmap(ring, array + entries * 4, offset=SQ_RING)
    completion = mmap.mmap(ring, completed + results * 16, offset=CQ_RING)
    table = mmap.mmap(ring, entries * 64, offset=ENTRIES_RING)
    table[:64] = struct.pack(ENTRY, operation, 0, 0, descriptor, offset, address, length, 0, 7)
    submission[array : array + 4] = struct.pack("I", 0)
    submission[tail : tail + 4] = struct.pack("I", 1)
    syscall("io_uring_enter", ring, 1, 1, GETEVENTS, 0, 0)
    result: int = struct.unpack("<Qi", completion[completed : completed + 12])[1]
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
