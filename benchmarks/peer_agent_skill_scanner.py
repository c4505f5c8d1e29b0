"""Scan folders with agent-skill-scanner in this process, in the peer's environment; print the CPU seconds.

Two ways: with `scan_path`, the peer's function for a folder, which reads its rules each time; and with its rules kept.
"""

import sys
import time
from pathlib import Path

from skill_scanner.cli import (  # type: ignore[import-not-found] # installed apart
    DEFAULT_RULES_DIR,
    DetectionEngine,
    find_skill_files,
    load_rules_from_yaml,
    parse_skill_file,
    scan_path,
)

skills = [Path(skill) for skill in sys.argv[1:]]
scan_path(skills[0])
started = time.process_time()
for skill in skills:
    scan_path(skill)
by_folder = time.process_time() - started
engine = DetectionEngine()
engine.load_rules(load_rules_from_yaml(DEFAULT_RULES_DIR))
started = time.process_time()
for skill in skills:
    for path in find_skill_files(skill):
        engine.scan(parse_skill_file(path))
print(by_folder, time.process_time() - started)
