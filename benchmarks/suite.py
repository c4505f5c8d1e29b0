"""Run the benchmarks and print floor, peer, ours and ratio: JSON on stdout, a table on stderr.

Usage: benchmarks/run [NAME ...]; without names all of them run.
Exit code 1 if a ratio is over its limit.
"""

import json
import os
import platform
import sys

import auditing
import isolation
import pinning
import scanning
import schemapin_cache
import signing
import startup
import vetting

SUITES = {
    "auditing": auditing.rows,
    "isolation": isolation.rows,
    "pinning": pinning.rows,
    "scanning": scanning.rows,
    "schemapin_cache": schemapin_cache.rows,
    "signing": signing.rows,
    "startup": startup.rows,
    "vetting": vetting.rows,
}


def main(names: list[str]) -> int:
    """Measure the named suites, or all, and print the results."""
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}: there are {', '.join(SUITES)}")
    measured = []
    for name in names or SUITES:
        for row in SUITES[name]():
            print(row.as_text(), file=sys.stderr, flush=True)
            measured.append(row)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    print(json.dumps({"machine": machine, "rows": [row.as_json() for row in measured]}, indent=2))
    return int(any(row.over_limit for row in measured))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
