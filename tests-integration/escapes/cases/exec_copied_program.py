"""A program is copied into a writable folder and started there."""

import os
import shutil

from attack import WORLD, executed, spoken, tries

with tries():
    shutil.copyfile("/usr/bin/id", WORLD.granted + "/tool")
    os.chmod(WORLD.granted + "/tool", 0o755)
    executed(spoken(lambda: os.execv(WORLD.granted + "/tool", ["tool"])))
