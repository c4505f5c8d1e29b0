"""A link has the name of a declared program and leads to another one."""

import os

from attack import WORLD, executed, spoken, tries

with tries():
    os.symlink("/usr/bin/id", WORLD.granted + "/true")
    executed(spoken(lambda: os.execv(WORLD.granted + "/true", ["true"])))
