"""Every descriptor of the parent is reopened."""

import os

from attack import elsewhere, leaked, read, tries

with tries():
    parent = elsewhere(os.getppid())
    for number in range(3, 64):
        try:
            leaked(read(f"/proc/{parent}/fd/{number}"))
        except OSError:
            continue
