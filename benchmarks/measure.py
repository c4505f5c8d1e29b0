"""CPU seconds of commands, and the rows that the benchmarks print."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """One measurement, in CPU seconds or ``unit``: the floor or peer, ours, and the ratio that is allowed."""

    name: str
    floor: float
    ours: float
    limit: float
    peer: float | None = None
    unit: str = "seconds"

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the floor."""
        return self.ours / self.floor

    @property
    def over_limit(self) -> bool:
        """Whether the ratio is higher than it may be."""
        return self.ratio > self.limit

    def as_json(self) -> dict[str, object]:
        """Return the row for machines."""
        return {
            "name": self.name,
            f"floor_{self.unit}": round(self.floor, 4),
            f"peer_{self.unit}": self.peer and round(self.peer, 4),
            f"ours_{self.unit}": round(self.ours, 4),
            "ratio": round(self.ratio, 2),
            "limit": round(self.limit, 3),
            "within_limit": not self.over_limit,
        }

    def as_text(self) -> str:
        """Return the row for people."""
        peer = "-" if self.peer is None else f"{self.peer:.3f}"
        verdict = "OVER" if self.over_limit else "ok"
        return (
            f"{self.name:<60} floor {self.floor:8.3f}  peer {peer:>7}  ours {self.ours:8.3f}  "
            f"ratio {self.ratio:5.2f} of {self.limit:4.2f}  {verdict}"
        )


def cpu_seconds(command: Sequence[str | Path], *, cwd: Path | None = None, home: Path | None = None) -> float:
    """Run ``command`` to its good end and return the CPU seconds of it and its children."""
    environment = dict(os.environ) if home is None else {**os.environ, "HALDIR_HOME": str(home)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(f"{command} ended with {run.returncode}:\n{run.stderr[-2000:]}")
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def reported_seconds(command: Sequence[str | Path]) -> list[float]:
    """Run ``command``, which prints the CPU seconds of its parts on one line, and return them."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{command} ended with {run.returncode}:\n{run.stderr[-2000:]}")
    return [float(part) for part in run.stdout.split()]


def fastest(measurements: Sequence[Callable[[], float]], repeats: int = REPEATS) -> list[float]:
    """Measure each in turn, ``repeats`` times over, and return the minimum of each: turns share the noise."""
    best = [float("inf")] * len(measurements)
    for _ in range(repeats):
        best = [min(known, measure()) for known, measure in zip(best, measurements, strict=True)]
    return best
