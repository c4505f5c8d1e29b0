"""The environment of another process is read."""

from attack import WORLD, elsewhere, leaked, read, tries

with tries():
    leaked(read(f"/proc/{elsewhere(WORLD.bystander)}/environ"))
