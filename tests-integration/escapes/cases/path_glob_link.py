"""The name of a link fits a glob, the file that it leads to does not."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/link.txt"))
