"""The performance counters are opened."""

import struct

from attack import buffer, escaped, syscall, tries

PERF_TYPE_SOFTWARE, SIZE, EXCLUDE_KERNEL = 1, 112, 1 << 5 | 1 << 6

with tries():
    attributes = struct.pack("IIQQQQQ", PERF_TYPE_SOFTWARE, SIZE, 0, 0, 0, 0, EXCLUDE_KERNEL)
    syscall("perf_event_open", buffer(attributes, SIZE), 0, -1, -1, 0)
    escaped("opened")
