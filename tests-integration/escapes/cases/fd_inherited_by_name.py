"""An inherited descriptor is reopened by its name in /dev/fd."""

from attack import leaked, read, tries

with tries():
    for number in range(3, 64):
        try:
            leaked(read(f"/dev/fd/{number}"))
        except OSError:
            continue
