"""A process outside gets disk time only when nobody else wants it."""

from attack import WORLD, elsewhere, escaped, syscall, tries

IOPRIO_WHO_PROCESS, IDLE = 1, 3 << 13

with tries():
    syscall("ioprio_set", IOPRIO_WHO_PROCESS, elsewhere(WORLD.bystander), IDLE)
    escaped("changed")
