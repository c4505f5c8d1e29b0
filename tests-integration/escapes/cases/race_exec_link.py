"""A link to a declared program changes between the check of a program and its start."""

import os

from attack import WORLD, race, spoken, tries

spot = WORLD.granted + "/spot"


def flip() -> None:
    """Let the link lead to either program."""
    for target in ("/usr/bin/id", "/usr/bin/true"):
        os.symlink(target, spot + "-new")
        os.rename(spot + "-new", spot)


def strike() -> bool:
    """Become whatever program the link leads to now."""
    return b"uid=" in spoken(lambda: os.execv(spot, ["x"]))


with tries():
    race(flip, strike)
