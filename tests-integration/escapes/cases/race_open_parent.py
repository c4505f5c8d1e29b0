"""A link in the middle of the path changes between the check of an open and the open."""

import os

from attack import SECRET_WORD, WORLD, race, tries

spot = WORLD.granted + "/spot"
with open(WORLD.granted + "/inner/id_secret", "w", encoding="utf-8") as harmless:
    harmless.write("good\n")


def flip() -> None:
    """Let the link lead to either folder."""
    for target in (WORLD.outside, "inner"):
        os.symlink(target, spot + "-new")
        os.rename(spot + "-new", spot)


def strike() -> bool:
    """Open wherever the link leads now."""
    with open(spot + "/id_secret", "rb") as file:
        return file.read().startswith(SECRET_WORD)


with tries():
    race(flip, strike)
