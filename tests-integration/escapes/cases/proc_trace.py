"""A process outside is traced."""

from attack import WORLD, elsewhere, escaped, syscall, tries

PTRACE_SEIZE = 0x4206

with tries():
    syscall("ptrace", PTRACE_SEIZE, elsewhere(WORLD.bystander), 0, 0)
    escaped("traced")
