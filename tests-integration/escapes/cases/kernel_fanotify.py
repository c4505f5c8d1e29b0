"""The file events of the machine are listened to."""

from attack import escaped, syscall, tries

FAN_REPORT_FID = 0x200

with tries():
    syscall("fanotify_init", FAN_REPORT_FID, 0)
    escaped("opened")
