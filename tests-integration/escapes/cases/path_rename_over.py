"""A file of its own replaces a file outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    with open(WORLD.granted + "/new", "w", encoding="utf-8") as file:
        file.write("x")
    os.replace(WORLD.granted + "/new", WORLD.victim)
    escaped("replaced")
