"""A path begins with a granted folder and leaves it."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/inner/../../outside/id_secret"))
