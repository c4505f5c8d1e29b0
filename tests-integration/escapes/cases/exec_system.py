"""A command is given to the shell of the system."""

import os

from attack import executed, spoken, tries

with tries():
    executed(spoken(lambda: os.system("/usr/bin/id")))
