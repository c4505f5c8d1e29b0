"""A user namespace is made."""

from attack import escaped, syscall, tries

CLONE_NEWUSER = 0x10000000

with tries():
    syscall("unshare", CLONE_NEWUSER)
    escaped("made")
