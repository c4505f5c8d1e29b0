"""A program is started under the name of a declared one."""

import os

from attack import executed, spoken, tries

with tries():
    executed(spoken(lambda: os.execv("/usr/bin/id", ["/usr/bin/true"])))
