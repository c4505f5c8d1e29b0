"""A file outside is read through the magic link to the root."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read("/proc/self/root" + WORLD.secret))
