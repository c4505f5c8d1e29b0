"""The log of the kernel is read."""

from attack import escaped, syscall, tries

SYSLOG_ACTION_SIZE_BUFFER = 10

with tries():
    if syscall("syslog", SYSLOG_ACTION_SIZE_BUFFER, 0, 0):
        escaped("seen")
