"""The loader of a declared program is told to write outside."""

import os

from attack import WORLD, spoken, tries

with tries():
    environment = {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": WORLD.outside + "/made"}
    spoken(lambda: os.execve("/bin/true", ["true"], environment))
