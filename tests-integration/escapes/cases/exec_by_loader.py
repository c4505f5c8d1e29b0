"""The dynamic loader is started and loads a program."""

import os

from attack import executed, spoken, tries

LOADER = "/lib64/ld-linux-x86-64.so.2"

with tries():
    executed(spoken(lambda: os.execv(LOADER, [LOADER, "/usr/bin/id"])))
