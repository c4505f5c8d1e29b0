"""Signing and verifying a folder, against `openssl dgst -sha256` over the same files as the floor."""

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import REPEATS, Row, cpu_seconds, fastest, reported_seconds

BIN = Path(sys.executable).parent
INSIDE = Path(__file__).with_name("inside.py")
PEER = Path(__file__).with_name("peer.py")
PEER_PYTHON = BIN.parents[1] / "bench-peer" / "bin" / "python"

CORPORA = (
    # name, files, bytes of each, limit in-process, limit of a CLI call
    ("200 MB in 2,000 files", 2_000, 100_000, 1.35, 2.2),
    ("9,000 files of 1 kB", 9_000, 1_000, 2.0, 3.5),
)


def rows() -> Iterator[Row]:
    """Yield the rows of both corpora: in-process and as a CLI call, signing and verifying."""
    for name, count, size, inside_limit, cli_limit in CORPORA:
        with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
            yield from _rows(Path(folder), name, (count, size), (inside_limit, cli_limit))


def _rows(work: Path, name: str, shape: tuple[int, int], limits: tuple[float, float]) -> Iterator[Row]:
    skill = work / "skill"
    make_skill(skill, *shape)
    home = work / "home"
    cpu_seconds([BIN / "haldir", "keygen", "--output", work], home=home)
    sign: list[str | Path] = [BIN / "haldir", "sign", skill, "--key", work / "haldir.key"]
    verify: list[str | Path] = [
        BIN / "haldir",
        "verify",
        skill,
        "--key",
        work / "haldir.pub",
        "--revocation",
        work / "list",
    ]
    cpu_seconds(sign, home=home)
    revoke: list[str | Path] = ["revoke", "--init", "--key", work / "haldir.key", "--list", work / "list"]
    cpu_seconds([BIN / "haldir", *revoke], home=home)
    inside: list[list[float]] = []

    def measure_inside() -> float:
        inside.append(reported_seconds([sys.executable, INSIDE, skill, work / "haldir.key", work / "list"]))
        return 0.0

    floor, cli_sign, cli_verify, _ = fastest(
        [
            lambda: cpu_seconds(["sh", "-c", "find . -type f -print0 | xargs -0 openssl dgst -sha256"], cwd=skill),
            lambda: cpu_seconds(sign, home=home),
            lambda: cpu_seconds(verify, home=home),
            measure_inside,
        ]
    )
    peer = _peer(skill)
    signed, verified = (min(column) for column in zip(*inside, strict=True))
    yield Row(f"sign, in-process: {name}", floor, signed, limits[0], peer)
    yield Row(f"verify, in-process: {name}", floor, verified, limits[0])
    yield Row(f"sign, CLI: {name}", floor, cli_sign, limits[1])
    yield Row(f"verify, CLI: {name}", floor, cli_verify, limits[1])


def _peer(skill: Path) -> float | None:
    """Return the CPU seconds of schemapin signing a copy of the files; None where it is not installed."""
    if not any((PEER_PYTHON.parents[1] / "lib").glob("*/site-packages/schemapin")):
        return None
    copy = skill.with_name("peer")
    shutil.copytree(skill, copy, ignore=shutil.ignore_patterns(".vault"))
    return min(reported_seconds([PEER_PYTHON, PEER, copy])[0] for _ in range(REPEATS))


def make_skill(skill: Path, count: int, size: int) -> None:
    """Write a skill of ``count`` files of ``size`` bytes each, 100 to a folder, always the same."""
    source = random.Random(7)  # noqa: S311 - content, no secret
    for number in range(count):
        folder = skill / f"part-{number // 100:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number:05d}.txt").write_bytes(source.randbytes(size))
