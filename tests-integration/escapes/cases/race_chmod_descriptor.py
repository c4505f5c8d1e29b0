"""The folder behind a descriptor changes between the check and the use."""

import os
import stat

from attack import WORLD, race_of_threads, tries

with open(WORLD.granted + "/inner/victim", "w", encoding="utf-8") as harmless:
    harmless.write("good\n")
inside = os.open(WORLD.granted + "/inner", os.O_PATH)
spot = os.dup(inside)


def flip() -> None:
    """Let the descriptor stand for either folder."""
    beyond = os.open(WORLD.outside, os.O_PATH)
    for folder in (beyond, inside):
        os.dup2(folder, spot)
    os.close(beyond)


def strike() -> bool:
    """Change the mode of a file in the folder of now."""
    os.chmod("victim", 0o640, dir_fd=spot)
    return stat.S_IMODE(os.stat(WORLD.victim).st_mode) == 0o640


with tries():
    race_of_threads(flip, strike)
