"""A declared shell reads what the skill may not."""

import subprocess

from attack import WORLD, leaked, tries

with tries():
    command = ["/bin/sh", "-c", 'read -r line <"$0" && echo "$line"', WORLD.secret]
    leaked(subprocess.run(command, capture_output=True, check=False).stdout)
