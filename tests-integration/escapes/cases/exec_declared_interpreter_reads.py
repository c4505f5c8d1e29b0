"""A declared interpreter runs a line of code that reads what the skill may not."""

import subprocess

from attack import WORLD, leaked, tries

with tries():
    command = ["/usr/bin/perl", "-e", "open F, shift; print <F>", WORLD.secret]
    leaked(subprocess.run(command, capture_output=True, check=False).stdout)
