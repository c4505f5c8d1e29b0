"""Scan folders with agent-skill-scanner in this process, in the peer's environment; print the CPU seconds."""

import sys
import time
from pathlib import Path

from skill_scanner.cli import (  # type: ignore[import-not-found] # installed apart
    DEFAULT_RULES_DIR,
    DetectionEngine,
    find_skill_files,
    load_rules_from_yaml,
    parse_skill_file,
)

engine = DetectionEngine()
engine.load_rules(load_rules_from_yaml(DEFAULT_RULES_DIR))
started = time.process_time()
for skill in sys.argv[1:]:
    for path in find_skill_files(Path(skill)):
        engine.scan(parse_skill_file(path))
print(time.process_time() - started)
