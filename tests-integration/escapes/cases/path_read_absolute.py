"""A file outside is read by its absolute path."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.secret))
