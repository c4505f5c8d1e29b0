"""SchemaPin: verifying schemas and a skill folder, against the published Python package in one run.

Seconds are those of the clock on the wall: two threads hash, and somebody waits for them.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, reported_seconds
from signing import PEER_PYTHON, make_skill

INSIDE = Path(__file__).with_name("inside_schemapin.py")
PEER = Path(__file__).with_name("peer_schemapin.py")
REPEATS = 7

LIMITS = (
    ("verify a schema of 2.3 kB, from its bytes", 1 / 1.0),
    ("verify a schema of 2.3 kB that is parsed", 1 / 1.2),
    ("verify a skill, 200 MB in 2,000 files, two threads", 0.7),
)


def rows() -> Iterator[Row]:
    """Yield the rows; none where the published package is not installed."""
    if not any((PEER_PYTHON.parents[1] / "lib").glob("*/site-packages/schemapin")):
        print("No rows for schemapin: the published package is out of reach.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        work = Path(folder)
        skill = work / "skill"
        make_skill(skill, 2_000, 100_000)
        subprocess.run([sys.executable, INSIDE, "make", work, skill], check=True)
        ours, theirs = [], []
        for _ in range(REPEATS):  # in turns, so that noise of the machine meets both
            theirs.append(reported_seconds([PEER_PYTHON, PEER, work, skill]))
            ours.append(reported_seconds([sys.executable, INSIDE, work, skill]))
        for number, (name, limit) in enumerate(LIMITS):
            peer = min(seconds[number] for seconds in theirs)
            yield Row(name, peer, min(seconds[number] for seconds in ours), limit, peer)
