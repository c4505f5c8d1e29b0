"""Start-up of small commands, against `python -c 'import typer'` as the floor."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, cpu_seconds, fastest

BIN = Path(sys.executable).parent
REPEATS = 9  # each is a few hundredths of a second


def rows() -> Iterator[Row]:
    """Yield the rows of `haldir --version` and of `haldir verify` on a small skill."""
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        work = Path(folder)
        home, skill = work / "home", work / "skill"
        skill.mkdir()
        (skill / "SKILL.md").write_text("---\nname: small\n---\nSay hello.\n", encoding="utf-8")
        cpu_seconds([BIN / "haldir", "keygen", "--output", work], home=home)
        cpu_seconds([BIN / "haldir", "sign", skill, "--key", work / "haldir.key"], home=home)
        revoke: list[str | Path] = ["revoke", "--init", "--key", work / "haldir.key", "--list", work / "list"]
        cpu_seconds([BIN / "haldir", *revoke], home=home)
        verify: list[str | Path] = ["verify", skill, "--key", work / "haldir.pub", "--revocation", work / "list"]
        floor, version, verified = fastest(
            [
                lambda: cpu_seconds([sys.executable, "-c", "import typer"]),
                lambda: cpu_seconds([BIN / "haldir", "--version"], home=home),
                lambda: cpu_seconds([BIN / "haldir", *verify], home=home),
            ],
            REPEATS,
        )
    yield Row("haldir --version", floor, version, 1.3)
    yield Row("haldir verify, one small skill", floor, verified, 2.8)
