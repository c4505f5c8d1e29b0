"""The memory beyond the limit is nameless files in memory, which no process maps."""

import os
import time

from attack import escaped, syscall, tries

MFD_NOEXEC_SEAL = 8

with tries():
    piece = b"x" * (20 << 20)
    files = [syscall("memfd_create", b"m", MFD_NOEXEC_SEAL) for _ in range(10)]
    for file in files:
        os.write(file, piece)
    time.sleep(0.5)
    escaped(sum(os.fstat(file).st_size for file in files))
