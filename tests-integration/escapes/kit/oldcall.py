"""System calls of the 32-bit table, made from a 64-bit process with int 0x80."""

import ctypes
import mmap
import os

from attack import syscall

OLD_OPEN, OLD_EXECVE, OLD_CHMOD, OLD_KILL, OLD_SOCKETCALL = 5, 11, 15, 37, 102
"""Source: arch/x86/entry/syscalls/syscall_32.tbl."""
MAP_32BIT = 0x40
CODE = bytes.fromhex("53 89f8 89f3 89d1 ba00000000 cd80 5b c3")
"""Saves rbx, moves the arguments to eax, ebx and ecx, clears edx, calls, restores rbx."""

_code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
_code.write(CODE)
_call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(
    ctypes.addressof(ctypes.c_char.from_buffer(_code))
)


def low_text(data: bytes) -> int:
    """Return the address, below 4 GiB, of a copy of the data."""
    place = syscall(
        "mmap", 0, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, -1, 0
    )
    ctypes.memmove(place, data + b"\0", len(data) + 1)
    return place


def old_syscall(number: int, *arguments: int) -> int:
    """Make a system call with up to two arguments; raise OSError where it fails."""
    first, second = (*arguments, 0, 0)[:2]
    result = int(_call(number, first, second))
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
