"""The events of the kernel are listened to through netlink."""

import socket

from attack import escaped, tries

NETLINK_KOBJECT_UEVENT = 15

with tries(), socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT) as kernel:
    kernel.bind((0, 1))
    escaped("bound")
