"""A file is opened relative to an inherited folder."""

import os

from attack import leaked, read, tries

with tries():
    for number in range(3, 64):
        try:
            leaked(read(os.open("id_secret", os.O_RDONLY, dir_fd=number)))
        except OSError:
            continue
