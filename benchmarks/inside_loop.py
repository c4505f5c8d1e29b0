"""Search folders with the scanner's patterns as a loop of `re` over lines and patterns does; print the CPU seconds."""

import re
import sys
import time
from pathlib import Path

from haldir_scanner._engine._regexes import for_stdlib
from haldir_scanner._engine._search import Patterns
from haldir_scanner._rules._bundle import builtin

sources = Patterns(builtin().rules, builtin().signals).searched
patterns = [re.compile(for_stdlib(source)) for source in sources]
started = time.process_time()
for skill in sys.argv[1:]:
    for path in Path(skill).rglob("*"):
        if path.is_file():
            for line in path.read_bytes().split(b"\n"):
                for pattern in patterns:
                    pattern.search(line)
print(time.process_time() - started)
