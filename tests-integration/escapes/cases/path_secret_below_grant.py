"""A grant of the home folder reaches the keys in it."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.home + "/.ssh/id_rsa"))
