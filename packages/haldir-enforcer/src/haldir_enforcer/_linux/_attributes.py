"""What changes an attribute of a file, made of the arguments of a call."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH101

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable

from haldir_enforcer._linux import _kernel
from haldir_enforcer._linux._memory import Memory
from haldir_enforcer._linux._notification import Request
from haldir_enforcer._linux._view import signed
from haldir_enforcer.events import Action

OTHERS_RIGHTS = stat.S_ISUID | stat.S_ISGID
"""With these bits a program runs as the owner of its file."""
_NOBODY = 0xFFFFFFFF

Change = tuple[Action, Callable[[str], None]]
"""What is noted, and what makes the change to the file at a path."""
Arguments = tuple[int, int, int, int, int, int]


def mode(bits: int) -> Change:
    """Return the change of permission bits."""
    if bits & OTHERS_RIGHTS:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))  # a file that lends its owner's rights outlives the run
    return Action.FS_CHMOD, lambda path: os.chmod(path, bits & 0o1777)


def owner(user: int, group: int) -> Change:
    """Return the change of owner and group."""
    return Action.FS_CHMOD, lambda path: os.chown(path, _id(user), _id(group))


def _id(value: int) -> int:
    return -1 if value & _NOBODY == _NOBODY else value & _NOBODY


def size(length: int) -> Change:
    """Return the change of the size."""
    return Action.FS_TRUNCATE, lambda path: os.truncate(path, length)


def times(memory: Memory, request: Request, pointer: int, layout: str) -> Change:
    """Return the change of times that are given in one of the three layouts."""
    data = b""
    if pointer:
        length = 16 if layout == "seconds" else 32
        values = struct.unpack(f"{length // 8}q", memory.read(request, pointer, length))
        if layout == "seconds":
            values = (values[0], 0, values[1], 0)
        elif layout == "microseconds":
            values = (values[0], values[1] * 1000, values[2], values[3] * 1000)
        data = struct.pack("4q", *values)

    def change(path: str) -> None:
        name, times = text_at(path), ctypes.create_string_buffer(data, 32)
        _kernel.call("utimensat", _kernel.AT_FDCWD, ctypes.addressof(name), ctypes.addressof(times) if data else 0, 0)

    return Action.FS_CHMOD, change


def attribute(memory: Memory, request: Request) -> Change:
    """Return the change of an extended attribute that the caller asks for."""
    a = request.arguments
    name = os.fsdecode(memory.path(request, a[1]))
    if request.name.startswith(("remove", "lremove", "fremove")):
        return Action.FS_CHMOD, lambda path: os.removexattr(path, name)
    if a[3] > 65_536:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    value = memory.read(request, a[2], a[3]) if a[3] else b""
    return Action.FS_CHMOD, lambda path: os.setxattr(path, name, value, signed(a[4]))


def text_at(text: str) -> "ctypes.Array[ctypes.c_char]":
    """Return a text as the kernel reads it, for as long as the result is kept."""
    return ctypes.create_string_buffer(os.fsencode(text))
