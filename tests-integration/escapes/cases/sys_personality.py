"""The process takes another personality, without random addresses."""

from attack import escaped, syscall, tries

ADDR_NO_RANDOMIZE = 0x0040000

with tries():
    syscall("personality", ADDR_NO_RANDOMIZE)
    if syscall("personality", 0xFFFFFFFF) & ADDR_NO_RANDOMIZE:
        escaped("changed")
