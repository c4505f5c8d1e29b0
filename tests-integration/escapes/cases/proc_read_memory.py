"""The memory of a process outside is read."""

import errno
import struct

from attack import WORLD, at, buffer, elsewhere, escaped, leaked, stack_of, syscall, tries

with tries():
    other = elsewhere(WORLD.bystander)
    first, size = stack_of(other)
    here = buffer(b"", size)
    local, remote = buffer(struct.pack("QQ", at(here), size)), buffer(struct.pack("QQ", first, size))
    try:
        syscall("process_vm_readv", other, local, 1, remote, 1, 0)
        leaked(here.raw)
    except OSError as error:
        if error.errno == errno.EFAULT:
            escaped("only the address was wrong")
        raise
