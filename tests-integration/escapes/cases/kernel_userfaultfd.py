"""Page faults are handled by the process itself, which makes races easy to win."""

from attack import escaped, syscall, tries

UFFD_USER_MODE_ONLY = 1

with tries():
    syscall("userfaultfd", UFFD_USER_MODE_ONLY)
    escaped("opened")
