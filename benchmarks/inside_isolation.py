"""Confined runs in this process; prints the figures of one question, named by the first argument, on one line."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from haldir_enforcer import Enforcer, Event, Limits, Reaction, Recording, StagedSkill, Streams, stage
from haldir_enforcer._linux import LinuxConfinement, Namespaces, Services, _plan
from haldir_enforcer._linux._capabilities import detect
from haldir_enforcer.confinement import Confinement, Ending, Launch
from haldir_enforcer.enforcer import SEARCH_PATH
from haldir_enforcer.policy import Policy

TRUE = "/usr/bin/true"
PYTHON = "/usr/bin/python3"
REPEATS = 25
WORK_REPEATS = 5
KILLS = 15
CALLS = (10, 1010)
"""The calls of the two runs that are compared: what both ask about has nothing to do with calls."""

WAYS = (Namespaces.NEVER, Namespaces.REQUIRED)


def launch(skill: Path, bwrap: Path) -> Iterator[float]:
    """Seconds from the wish to the end of `true`: plain, alone, with namespaces, and by bwrap over the same binds.

    The first three are a whole run of `Enforcer`, the last two a launch with a policy that is there already.
    """
    with stage(skill) as copy, Path(os.devnull).open("r+b") as null:
        enforcers = [Enforcer(confinements=(LinuxConfinement(how),)) for how in WAYS]
        confinements = [LinuxConfinement(how) for how in WAYS]
        wanted = _launch(copy, enforcers[0].policy(copy, [TRUE]), null.fileno())
        theirs = _bubblewrap(bwrap, wanted)

        def plain(command: Sequence[str | Path]) -> None:
            subprocess.run(command, stdin=null, stdout=null, stderr=null, check=True, cwd=copy.folder, env=ENVIRONMENT)

        yield from _fastest(
            [
                lambda: plain([TRUE]),
                lambda: _run(enforcers[0], copy, [TRUE]),
                lambda: _run(enforcers[1], copy, [TRUE]),
                lambda: _start(confinements[0], wanted),
                lambda: _start(confinements[1], wanted),
                lambda: plain(theirs),
            ],
            REPEATS,
        )


def work(skill: Path) -> Iterator[float]:
    """Seconds of many system calls in a program: native, alone, with namespaces."""
    with stage(skill) as copy:
        enforcers = [Enforcer(confinements=(LinuxConfinement(how),)) for how in WAYS]
        command = [PYTHON, "-I", "-S", "work.py"]

        def native() -> None:
            subprocess.run(command, cwd=copy.folder, check=True)

        yield from _fastest(
            [native, lambda: _run(enforcers[0], copy, command), lambda: _run(enforcers[1], copy, command)], WORK_REPEATS
        )


def messages(skill: Path, python: str) -> Iterator[float]:
    """How many more system calls are asked about by a run with 1,000 more calls of a tool of an MCP server."""
    with stage(skill) as copy:
        for how in WAYS:
            enforcer = Enforcer(confinements=(LinuxConfinement(how),))
            few, many = (_converse(enforcer, copy, [python, "server.py"], calls) for calls in CALLS)
            yield many - few


def kill(skill: Path) -> Iterator[float]:
    """Seconds from a violation to the end of a tree of processes, each in a session of its own."""
    with stage(skill) as copy:
        for how in WAYS:
            enforcer = Enforcer(confinements=(LinuxConfinement(how),))
            yield min(_killed(enforcer, copy) for _ in range(KILLS))


ENVIRONMENT = {"PATH": os.pathsep.join(SEARCH_PATH), "LANG": "C.UTF-8"}


def _fastest(measured: Sequence[Callable[[], None]], repeats: int) -> list[float]:
    best = [float("inf")] * len(measured)
    for _ in range(repeats):
        for at, run in enumerate(measured):
            began = time.perf_counter()
            run()
            best[at] = min(best[at], time.perf_counter() - began)
    return best


def _run(enforcer: Enforcer, copy: StagedSkill, command: Sequence[str]) -> None:
    outcome = enforcer.run(copy, command)
    if outcome.ended.ending is not Ending.EXITED or outcome.ended.code or outcome.violations:
        sys.exit(f"{command} did not go well: {outcome}")


def _launch(copy: StagedSkill, policy: Policy, null: int) -> Launch:
    return Launch(
        policy=policy,
        argv=(TRUE,),
        cwd=str(copy.folder),
        environment=ENVIRONMENT,
        limits=Limits(),
        reaction=Reaction.KILL,
        record=lambda _: None,
        stdin=null,
        stdout=null,
        stderr=null,
    )


def _start(confinement: Confinement, wanted: Launch) -> None:
    ended = confinement.start(wanted).wait()
    if ended.code:
        sys.exit(f"{wanted.argv} did not go well: {ended}")


def _bubblewrap(bwrap: Path, wanted: Launch) -> list[str | Path]:
    plan = _plan.make(wanted, Services(), detect(), namespaces=True)
    command: list[str | Path] = [bwrap, "--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    for bind in plan.binds:
        command += ["--bind" if bind.writable else "--ro-bind", bind.path, bind.path]
    for path, target in plan.links.items():
        if not path.startswith("/dev/") and not any(path.startswith(f"{bind.path}/") for bind in plan.binds):
            command += ["--symlink", target, path]
    return [*command, "--tmpfs", "/dev/shm", "--chdir", wanted.cwd, *wanted.argv]  # noqa: S108 - inside


def _converse(enforcer: Enforcer, copy: StagedSkill, command: Sequence[str], calls: int) -> int:
    """Return how many events a conversation makes, folded ones counted one by one."""
    events: list[Event] = []
    ours, theirs = os.pipe(), os.pipe()
    streams = Streams(stdin=ours[0], stdout=theirs[1])
    session = enforcer.start(copy, command, streams=streams, recording=Recording(watch=events.append))
    os.close(ours[0])
    os.close(theirs[1])
    with os.fdopen(ours[1], "wb", buffering=0) as stdin, os.fdopen(theirs[0], "rb") as stdout:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        stdin.write(_message(id=0, method="initialize", params=hello))
        stdout.readline()
        stdin.write(_message(method="notifications/initialized"))
        for number in range(1, calls + 1):
            stdin.write(_message(id=number, method="tools/call", params={"name": "say", "arguments": {"word": "hi"}}))
            if json.loads(stdout.readline())["id"] != number:
                sys.exit("an answer was lost")
        stdin.close()
        outcome = session.wait(60)
    if outcome.ended.code or outcome.violations:
        sys.exit(f"the server did not end well: {outcome}")
    return sum(event.count for event in events)


def _message(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n"


def _killed(enforcer: Enforcer, copy: StagedSkill) -> float:
    source, sink = os.pipe()
    with contextlib.ExitStack() as closing:
        closing.callback(os.close, source)
        session = enforcer.start(copy, [PYTHON, "-I", "-S", "violate.py"], streams=Streams(stdout=sink))
        os.close(sink)
        outcome = session.wait(60)
        ended = time.monotonic()
        if outcome.ended.ending is not Ending.VIOLATION:
            sys.exit(f"it was not killed: {outcome}")
        return ended - float(os.read(source, 100).split()[-1])


def main() -> None:
    """Answer."""
    question, *arguments = sys.argv[1:]
    asked: dict[str, Callable[[], Iterator[float]]] = {
        "launch": lambda: launch(Path(arguments[0]), Path(arguments[1])),
        "work": lambda: work(Path(arguments[0])),
        "messages": lambda: messages(Path(arguments[0]), arguments[1]),
        "kill": lambda: kill(Path(arguments[0])),
    }
    print(*asked[question]())


if __name__ == "__main__":
    main()
