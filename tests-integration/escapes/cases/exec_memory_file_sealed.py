"""A program in memory that was made not to be executed is made executable."""

import os

from attack import executed, spoken, syscall, tries

MFD_NOEXEC_SEAL, MFD_EXEC = 8, 16

with tries():
    memory = syscall("memfd_create", b"m", MFD_EXEC)
    with open("/usr/bin/id", "rb") as program:
        os.write(memory, program.read())
    os.fchmod(memory, 0o777)
    executed(spoken(lambda: os.execv(f"/proc/self/fd/{memory}", ["id"])))
