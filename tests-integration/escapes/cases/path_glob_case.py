"""A glob is matched without regard to case."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/SHOUT.TXT"))
