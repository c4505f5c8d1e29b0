"""A star is matched over the border of a folder."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/inner/deep.txt"))
