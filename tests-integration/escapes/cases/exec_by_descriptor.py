"""A program is started by a descriptor of its file."""

import os

from attack import executed, spoken, tries

with tries():
    executed(spoken(lambda: os.execve(os.open("/usr/bin/id", os.O_RDONLY), ["id"], {})))
