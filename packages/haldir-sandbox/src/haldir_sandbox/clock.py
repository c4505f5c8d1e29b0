"""A shifted clock for Python and Node programs.

There is no way to shift the wall clock of one process tree without a native library: a time namespace shifts only the
monotonic clocks, and programs read the wall clock without a system call.  So Python is given a ``sitecustomize`` and
Node a ``--require``.  A shell and compiled programs see the true time, ``python3 -I`` and ``-S`` do too, and a skill
that looks for the shift can find it.
"""

from importlib.resources import files
from pathlib import Path

from haldir_sandbox.entrypoints import EntryPoint

SHIFT_SECONDS = (400 * 24 + 11) * 3600
"""Another year, month, weekday and half of the day."""
VARIABLE = "CLOCK_SHIFT_SECONDS"
SHIFTED = frozenset({"python", "python3", "node", "nodejs"})


def plant(folder: Path) -> None:
    """The shims are in ``folder``."""
    shims = files("haldir_sandbox") / "_shims"
    python = folder / "clock"
    python.mkdir(parents=True, exist_ok=True)
    (python / "sitecustomize.py").write_text((shims / "python_clock.txt").read_text("utf-8"), encoding="utf-8")
    (folder / "clock.cjs").write_text((shims / "node_clock.txt").read_text("utf-8"), encoding="utf-8")


def shifted_environment(folder: Path, seconds: int) -> dict[str, str]:
    """Return the variables by which Python and Node are ``seconds`` late; ``PYTHONPATH`` is one folder to join."""
    return {
        VARIABLE: str(seconds),
        "PYTHONPATH": str(folder / "clock"),
        "NODE_OPTIONS": f"--require={folder / 'clock.cjs'}",
    }


def sees_shift(entry: EntryPoint) -> bool:
    """Whether the program of ``entry`` is one whose clock can be shifted."""
    return not entry.is_line and entry.argv[0].rpartition("/")[2] in SHIFTED
