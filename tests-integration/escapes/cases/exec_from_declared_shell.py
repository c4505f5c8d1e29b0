"""A declared shell starts a program that is not declared."""

import subprocess

from attack import executed, tries

with tries():
    executed(subprocess.run(["/bin/sh", "-c", "/usr/bin/id"], capture_output=True, check=False).stdout)
