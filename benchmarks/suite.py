"""Run the benchmarks and print floor, peer, ours and ratio: JSON on stdout, a table on stderr.

Usage: benchmarks/run [NAME ...]; names are those of the modules beside this one that have ``rows()``.
Exit code 1 if a ratio is over its limit.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from measure import Row

SUITES = ("signing", "startup")


def main(names: list[str]) -> int:
    """Measure the named suites, or all, and print the results."""
    sys.path.insert(0, str(Path(__file__).parent))
    measured: list[Row] = []
    for name in names or SUITES:
        rows: Callable[[], Iterator[Row]] = import_module(name).rows
        for row in rows():
            print(row.as_text(), file=sys.stderr, flush=True)
            measured.append(row)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    print(json.dumps({"machine": machine, "rows": [row.as_json() for row in measured]}, indent=2))
    return int(any(row.over_limit for row in measured))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
