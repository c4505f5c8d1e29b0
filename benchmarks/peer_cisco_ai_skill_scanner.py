"""Scan folders with cisco-ai-skill-scanner in this process, in the peer's environment; print the CPU seconds."""

import contextlib
import os
import sys
import time
from pathlib import Path

from skill_scanner.core.scanner import SkillScanner  # type: ignore[import-not-found] # installed apart

with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):  # noqa: PTH123 - a device
    scanner = SkillScanner()
    scanner.scan_skill(Path(sys.argv[1]))  # warm
    started = time.process_time()
    for skill in sys.argv[1:]:
        scanner.scan_skill(Path(skill))
print(time.process_time() - started)
