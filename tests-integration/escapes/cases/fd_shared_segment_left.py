"""A segment of System V shared memory is made that outlives the skill."""

from attack import WORLD, syscall, tries

IPC_CREAT = 0o1000

with tries():
    syscall("shmget", WORLD.segment ^ 1, 4096, IPC_CREAT | 0o666)
