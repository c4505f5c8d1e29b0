"""The memory of the parent is written."""

import errno
import os
import struct

from attack import at, buffer, elsewhere, escaped, stack_of, syscall, tries

with tries():
    other = elsewhere(os.getppid())
    first, _ = stack_of(other)
    same = buffer(b"", 8)
    local, remote = buffer(struct.pack("QQ", at(same), 8)), buffer(struct.pack("QQ", first, 8))
    try:
        syscall("process_vm_readv", other, local, 1, remote, 1, 0)
        syscall("process_vm_writev", other, local, 1, remote, 1, 0)
        escaped("written")
    except OSError as error:
        if error.errno == errno.EFAULT:
            escaped("only the address was wrong")
        raise
