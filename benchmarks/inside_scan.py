"""Scan folders in this process, warm; print CPU seconds (`total`, `each`) or the peak memory in MiB (`memory`)."""

import resource
import sys
import time

from haldir_scanner import scan, scan_files

scan_files({"SKILL.md": b"# Warm\n\n```bash\nls\n```\n", "a.py": b"import os\nexec(os)\n", "a.js": b"const a = 1;\n"})
what, *skills = sys.argv[1:]
times = []
for skill in skills:
    started = time.process_time()
    scan(skill)
    times.append(time.process_time() - started)
if what == "memory":
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
else:
    print(*times if what == "each" else [sum(times)])
