"""The interpreter starts itself anew by its magic link."""

import os

from attack import escaped, spoken, tries

with tries():
    code = ["python3", "-I", "-S", "-c", "print('again', flush=True)"]
    if b"again" in spoken(lambda: os.execv("/proc/self/exe", code)):
        escaped("another interpreter ran")
