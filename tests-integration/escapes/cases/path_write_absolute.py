"""A file is made outside the writable folder."""

from attack import WORLD, escaped, tries

with tries(), open(WORLD.outside + "/made", "w", encoding="utf-8") as file:
    file.write("x")
    escaped("written")
