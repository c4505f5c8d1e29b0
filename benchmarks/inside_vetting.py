"""Vet skills through scan and audit, or run a loop, with so many processes; print the seconds on the wall.

Usage: inside_vetting.py loop|vet WORKERS SKILL ...
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from haldir_pipeline import Configuration, LayerName
from haldir_pipeline.many import Many, vet_many

ROUNDS = 300_000
"""About as long as one skill takes."""


def main(what: str, workers: int, skills: Sequence[str]) -> float:
    """Return the seconds; what is loaded once is loaded before."""
    if what == "vet":
        _vet(skills[:1], 1)
    started = time.perf_counter()
    if what == "vet":
        _vet(skills, workers)
    else:
        _loop(len(skills), workers)
    return time.perf_counter() - started


def _vet(skills: Sequence[str], workers: int) -> None:
    configuration = Configuration(skip=frozenset({LayerName.SANDBOX, LayerName.REVIEW}))
    done = list(vet_many(skills, configuration, clock=_now, many=Many(workers=workers)))
    failed = [one.message for one in done if one.value is None]
    if failed:
        sys.exit(failed[0])


def _loop(units: int, workers: int) -> None:
    if workers == 1:
        for unit in range(units):
            _count(unit)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        pool.map(_count, range(units), chunksize=1)


def _count(unit: int) -> int:
    total = unit
    for number in range(ROUNDS):
        total = (total * 31 + number) % 1_000_003
    return total


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
