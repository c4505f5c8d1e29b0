"""A descriptor of a secret, inherited by mistake, is read."""

import os

from attack import leaked, tries

with tries():
    for number in range(3, 64):
        try:
            leaked(os.pread(number, 100, 0))
        except OSError:
            continue
