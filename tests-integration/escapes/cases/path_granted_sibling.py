"""The name of a folder begins with the name of a granted one."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "-not/other.txt"))
