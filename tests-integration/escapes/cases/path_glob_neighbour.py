"""The kernel knows the folder of a glob only: a neighbour is read."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/private.key"))
