"""A file is reached through the root of another process."""

from attack import WORLD, elsewhere, leaked, read, tries

with tries():
    leaked(read(f"/proc/{elsewhere(WORLD.bystander)}/root{WORLD.secret}"))
