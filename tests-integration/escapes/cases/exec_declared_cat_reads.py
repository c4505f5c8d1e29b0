"""A declared program of the system reads what the skill may not."""

import subprocess

from attack import WORLD, leaked, tries

with tries():
    leaked(subprocess.run(["/bin/cat", WORLD.secret], capture_output=True, check=False).stdout)
