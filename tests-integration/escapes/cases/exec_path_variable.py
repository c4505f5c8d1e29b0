"""A folder of its own stands first in PATH and holds a script with a declared name."""

import os

from attack import WORLD, executed, spoken, tries

with tries():
    with open(WORLD.granted + "/true", "w", encoding="utf-8") as script:
        script.write("#!/bin/sh\nexec /usr/bin/id\n")
    os.chmod(WORLD.granted + "/true", 0o755)
    executed(spoken(lambda: os.execvpe("true", ["true"], {"PATH": WORLD.granted})))
