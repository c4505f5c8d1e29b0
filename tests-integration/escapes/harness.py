"""Runs one hostile case through one runner, and says from outside whether it escaped.

    python harness.py CASE --runner control|enforce|sandbox --namespaces with|without

It prints one JSON object: ``verdict`` (``escaped``, ``held``, ``clean``, or what went wrong), ``effects``, ``words``
and more.  The process is the whole world of the case: it runs as the user whom the case is tried with.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from company import Terminal, Visitor
from manifest import Case, cases
from runners import PR_SET_CHILD_SUBREAPER, Runner, prctl, refuse_namespaces, runner
from verdict import Run, verdict
from watching import changes, children, condition, end, wait_until
from world import World

INTERPRETERS = {
    ".py": ("/usr/bin/python3", "-B"),
    ".mjs": ("/usr/bin/node",),
    ".sh": ("/bin/sh",),
    ".bash": ("/bin/bash",),
}
DEFAULT_LIMITS = {"timeout_seconds": 10}
HANGING_SECONDS = 12
"""How much longer than its time limit a run may take before it counts as hanging."""
SETTLE_SECONDS = 0.4
STARTING_SECONDS = 1.5
STUBBORN_SECONDS = 0.2
"""How long a case has to make itself hard to kill."""
FLOOD_BYTES = 16 << 20
SHOWN_BYTES = 1 << 20


def run(case: Case, how: Runner) -> Run:
    """Run the case in a world of its own."""
    base = Path(tempfile.mkdtemp(prefix="haldir-escape-"))
    world = World(base)
    try:
        world.skill(case.path, _filled(case.declared, world))
        return _observed(case, how, world)
    finally:
        world.close()


def _filled(declared: dict[str, Any], world: World) -> dict[str, Any]:
    text = json.dumps(declared)
    for name, value in {
        "DECLARED": world.declared,
        "GRANTED": world.granted,
        "HOME": world.home,
        "OUTSIDE": world.outside,
    }.items():
        text = text.replace(f"@{name}@", str(value))
    filled: dict[str, Any] = json.loads(text)
    return filled


def _observed(case: Case, how: Runner, world: World) -> Run:
    before, well = world.pictures(), condition(world.bystander.pid)
    interpreter = INTERPRETERS[case.suffix][: 1 if "bytecode" in case.needs else None]
    command = (*interpreter, case.path.name)
    limits = {**DEFAULT_LIMITS, **case.limits}
    started = time.monotonic()
    with (
        Terminal(wanted="terminal" in case.needs, plain=world.outside / "input") as terminal,
        (world.base / "output").open("wb") as output,
    ):
        process = subprocess.Popen(
            how.command(world, limits, command),
            cwd=world.base,
            stdin=terminal.descriptor,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=world.environment(),
            pass_fds=world.descriptors,
            start_new_session=True,
            preexec_fn=terminal.take,  # noqa: PLW1509 - the one other thread only answers on sockets
        )
        served = Visitor(world, process) if "visitor" in case.needs else None
        if "executioner" in case.needs:
            _execute(process, world.base / "output")
        code = _ended(process, limits["timeout_seconds"] + HANGING_SECONDS)
        seconds = time.monotonic() - started
        spare = frozenset({world.bystander.pid})
        gone = wait_until(lambda: not _left(process.pid, spare), SETTLE_SECONDS)
        effects: dict[str, Any] = {"survivors": 0 if gone else len(end(os.getpid(), spare))}
        effects["hanging"] = code is None
        effects["served"] = served.visited() if served else ""
        effects["typed"] = terminal.typed()
        process.wait()
    text = _output(world.base / "output")
    effects |= _effects(world, before, well)
    if "agent files" in case.needs:
        effects["touched"].pop("granted", None)
    size = (world.base / "output").stat().st_size
    effects["flood"] = size if size > FLOOD_BYTES else 0
    effects["leaked"] = world.word.strip() in text
    effects["said"] = [line.decode("latin-1") for line in text.splitlines() if line.startswith(b"ESCAPED")][:3]
    return Run(code, seconds, text, size, _report(world.report), {k: v for k, v in effects.items() if v})


def _left(runner_pid: int, spare: frozenset[int]) -> list[int]:
    while True:
        try:
            # only processes that were orphaned: the runner and the bystander are waited for by their own objects
            orphan = next((pid for pid in _zombies() if pid not in {runner_pid, *spare}), None)
        except OSError:
            orphan = None
        if orphan is None:
            break
        os.waitpid(orphan, os.WNOHANG)
    return [pid for pid in children(os.getpid()) if pid not in {runner_pid, *spare}]


def _zombies() -> list[int]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    if not own.exists():
        return []
    pids = [int(pid) for pid in own.read_text(encoding="utf-8").split()]
    return [pid for pid in pids if ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")]


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return None


def _execute(process: "subprocess.Popen[bytes]", output: Path) -> None:
    wait_until(lambda: b"TRYING" in output.read_bytes() or process.poll() is not None, STARTING_SECONDS)
    time.sleep(STUBBORN_SECONDS)
    process.kill()


def _output(path: Path) -> bytes:
    with path.open("rb") as file:
        beginning = file.read(SHOWN_BYTES)
        file.seek(max(file.tell(), path.stat().st_size - 4096))
        return beginning + file.read()


def _report(path: Path) -> dict[str, Any] | None:
    try:
        report = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and isinstance(report.get("violations"), list) else None


def _effects(world: World, before: dict[str, Any], well: dict[str, object]) -> dict[str, Any]:
    after = world.pictures()
    touched = {place: changes(before[place], after[place]) for place in before}
    now = condition(world.bystander.pid)
    return {
        "touched": {place: names for place, names in touched.items() if names},
        "contacts": list(world.peers.contacts),
        "bystander": sorted(name for name in well if well[name] != now.get(name)),
        "litter": [path.name for path in world.litter()] + ["segment"] * world.segment_left(),
    }


def main() -> int:
    """Run one case and print what became of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--runner", choices=["control", "enforce", "sandbox"], default="control")
    parser.add_argument("--namespaces", choices=["with", "without"], default="with")
    chosen = parser.parse_args()
    case = cases()[chosen.case]
    how = runner(chosen.runner, chosen.namespaces)
    if chosen.namespaces == "without":
        refuse_namespaces()
    prctl(ctypes.CDLL(None, use_errno=True), PR_SET_CHILD_SUBREAPER, 1, 0)
    seen = run(case, how)
    answer = {
        "case": case.name,
        "verdict": verdict(case, chosen.runner, chosen.namespaces, seen),
        "effects": seen.effects,
        "code": seen.code,
        "seconds": round(seen.seconds, 2),
        "violations": seen.violations[:5],
        "level": (seen.report or {}).get("level"),
        "words": seen.output[-600:].decode("utf-8", "replace"),
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.exit(main())
