"""A file is left in the shared memory folder of the machine."""

from attack import WORLD, tries

with tries(), open(f"/dev/shm/haldir-{WORLD.mark}", "w", encoding="utf-8") as file:
    file.write("x")
