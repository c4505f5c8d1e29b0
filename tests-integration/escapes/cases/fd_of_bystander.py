"""A descriptor of another process is reopened."""

from attack import WORLD, elsewhere, leaked, read, tries

with tries():
    leaked(read(f"/proc/{elsewhere(WORLD.bystander)}/fd/0"))
