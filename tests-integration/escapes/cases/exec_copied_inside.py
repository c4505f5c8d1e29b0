"""A program is copied into the folder of the skill and started there."""

import os
import shutil

from attack import executed, spoken, tries

with tries():
    shutil.copyfile("/usr/bin/id", "out/tool")
    os.chmod("out/tool", 0o755)
    executed(spoken(lambda: os.execv("out/tool", ["tool"])))
