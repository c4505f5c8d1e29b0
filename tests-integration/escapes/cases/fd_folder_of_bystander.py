"""A file is reached through the working folder of another process."""

from attack import WORLD, elsewhere, leaked, read, tries

with tries():
    leaked(read(f"/proc/{elsewhere(WORLD.bystander)}/cwd/id_secret"))
