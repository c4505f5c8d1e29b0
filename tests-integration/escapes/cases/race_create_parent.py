"""A link in the middle of the path changes between the check and the making of a file."""

import os

from attack import WORLD, race, tries

spot = WORLD.granted + "/spot"


def flip() -> None:
    """Let the link lead to either folder."""
    for target in (WORLD.outside, "inner"):
        os.symlink(target, spot + "-new")
        os.rename(spot + "-new", spot)


def strike() -> bool:
    """Make a file wherever the link leads now."""
    os.close(os.open(spot + "/made", os.O_WRONLY | os.O_CREAT))
    return os.path.exists(WORLD.outside + "/made")


with tries():
    race(flip, strike)
