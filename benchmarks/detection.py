"""Scan a labelled corpus and print the confusion by source, rates and times as Markdown.

Usage: benchmarks/detection.py FOLDER LABELS.tsv

LABELS.tsv has the columns id (a folder below FOLDER), source and label: malicious, benign or presumed_benign.
"""

import csv
import statistics
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from haldir_scanner import Status, scan, scan_files

SCANNED = ("pass", "flag", "reject")


def main(folder: Path, labels: Path) -> None:
    """Print the table."""
    with labels.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    scan_files(
        {"SKILL.md": b"# Warm\n\n```bash\nls\n```\n", "a.py": b"import os\nexec(os)\n", "a.js": b"const a = 1;\n"}
    )
    counts: dict[tuple[str, str], Counter[Status]] = defaultdict(Counter)
    times = []
    for row in rows:
        started = time.process_time()
        counts[row["source"], row["label"]][scan(folder / row["id"]).status] += 1
        times.append(time.process_time() - started)
    print("| source | label | pass | flag | reject |\n|---|---|---|---|---|")
    for (source, label), count in sorted(counts.items()):
        print(f"| {source} | {label} | {' | '.join(str(count[Status(word)]) for word in SCANNED)} |")
    times.sort()
    print(f"\nCPU milliseconds per folder: median {1000 * statistics.median(times):.1f}, ", end="")
    print(f"p99 {1000 * times[int(0.99 * (len(times) - 1))]:.1f}, most {1000 * times[-1]:.1f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
