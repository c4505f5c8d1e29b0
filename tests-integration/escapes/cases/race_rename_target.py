"""The new name of a file changes between the check and the renaming."""

import os

from attack import WORLD, Shared, race, syscall, tries

draft, forbidden = WORLD.granted + "/draft", WORLD.granted + "/AGENTS.md"
target = Shared(f"{WORLD.granted}/done.txt".encode(), forbidden.encode())
RENAME = 82


def strike() -> bool:
    """Give a file whatever name stands there now."""
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT))
    syscall(RENAME, draft.encode(), target.address)
    return os.path.exists(forbidden)


with tries():
    race(target.flip, strike)
