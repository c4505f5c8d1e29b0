"""One program is declared, another one is started."""

import subprocess

from attack import executed, tries

with tries():
    executed(subprocess.run(["/usr/bin/id"], capture_output=True, check=False).stdout)
