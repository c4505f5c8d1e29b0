"""A script with a first line for an undeclared interpreter is started."""

import os

from attack import escaped, held, spoken, tries

with tries():
    with open("out/script", "w", encoding="utf-8") as script:
        script.write("#!/usr/bin/printf run-by-%s\n")
    os.chmod("out/script", 0o755)
    if b"run-by-" in spoken(lambda: os.execv("out/script", ["script"])):
        escaped("the script ran")
    else:
        held("it did not run")
