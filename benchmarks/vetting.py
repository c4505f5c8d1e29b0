"""The pipeline: 200 skills through scan and audit on two processors, against the speed-up of a loop in the same run."""

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Row, fastest, reported_seconds
from scanning import WORDS

HERE = Path(__file__).parent
SKILLS = 200
WORKERS = 2
REPEATS = 5
SHARE = 0.85
"""Of the speed-up that a loop without anything else reaches."""


def rows() -> Iterator[Row]:
    """Yield the rows of the pipeline."""
    if (os.cpu_count() or 1) < WORKERS:
        print("No figures of the pipeline: there is one processor only.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        skills = [_skill(Path(folder) / f"skill-{number}", random.Random(number)) for number in range(SKILLS)]  # noqa: S311
        work = [(what, workers) for what in ("loop", "vet") for workers in (1, WORKERS)]
        loop_one, loop_two, one, two = fastest([_measure(*item, skills) for item in work], REPEATS)
        speed_up = loop_one / loop_two
        yield Row(f"vet, {SKILLS} skills: scan and audit, one process: each 50 ms", SKILLS * 0.05, one, 1.0)
        yield Row(
            f"vet, {SKILLS} skills, {WORKERS} processes: with the speed-up of a loop, {speed_up:.2f}",
            one / speed_up,
            two,
            1 / SHARE,
        )


def _measure(what: str, workers: int, skills: list[Path]) -> Callable[[], float]:
    command: list[str | Path] = [sys.executable, HERE / "inside_vetting.py", what, str(workers), *skills]
    return lambda: reported_seconds(command)[0]


def _skill(folder: Path, rng: random.Random) -> Path:
    """Make a skill of a page, a program, and a manifest with its lock file."""
    folder.mkdir()
    text = "\n\n".join(" ".join(rng.choices(WORDS, k=60)) for _ in range(25))
    head = f"---\nname: {folder.name}\ndescription: Makes a table of numbers. Use it for tables.\n---\n"
    (folder / "SKILL.md").write_text(f"{head}# Tables\n\n{text}\n", encoding="utf-8")
    lines = [f"def part_{number}(value: int) -> int:\n    return value + {number}\n" for number in range(80)]
    (folder / "tables.py").write_text("\n\n".join(lines), encoding="utf-8")
    pins = sorted({f"package-{rng.randrange(1000)}" for _ in range(12)})
    (folder / "requirements.txt").write_text("".join(f"{name}==1.0.{len(name)}\n" for name in pins), encoding="utf-8")
    return folder


if __name__ == "__main__":
    for row in rows():
        print(row.as_text())
