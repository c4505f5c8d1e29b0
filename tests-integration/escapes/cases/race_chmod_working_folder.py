"""The working folder changes between the check of a relative path and its use."""

import os
import stat

from attack import WORLD, race_of_threads, tries

with open(WORLD.granted + "/inner/victim", "w", encoding="utf-8") as harmless:
    harmless.write("good\n")


def flip() -> None:
    """Go to either folder."""
    for folder in (WORLD.outside, WORLD.granted + "/inner"):
        os.chdir(folder)


def strike() -> bool:
    """Change the mode of a file in the folder of now."""
    os.chmod("victim", 0o640)
    return stat.S_IMODE(os.stat(WORLD.victim).st_mode) == 0o640


with tries():
    race_of_threads(flip, strike)
