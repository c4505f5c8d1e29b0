"""A write through a link changes a file outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.symlink(WORLD.victim, "out/link")
    with open("out/link", "a", encoding="utf-8") as file:
        file.write("x")
    escaped("written")
