"""A grant of the home folder reaches the credentials in it."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.home + "/.aws/credentials"))
