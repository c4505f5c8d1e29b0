"""The self-test of a confinement: a program that tries, inside, what must be refused there."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from haldir_core.scratch import PrivateFolder
from haldir_enforcer._policy.compiling import granting
from haldir_enforcer._policy.paths import Place
from haldir_enforcer._policy.profiles import detect_profiles, profile_grants
from haldir_enforcer._policy.records import Policy
from haldir_enforcer.confinement import Launch, Reaction, Running
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.limits import Limits

TESTS = frozenset({"fs_read", "fs_write", "net", "processes", "env"})
_SECONDS = 20.0
_SECRET = "HALDIR_PROBE"  # noqa: S105 - the name of a variable
_ANSWER_BYTES = 4096

# what the confined Python does: one word for each try, and "ran" when the confinement lets programs work at all
_PROGRAM = """
import json, os, socket, sys
place, port, outside = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
got = {}
def attempt(name, act):
    try:
        got[name] = 'open' if act() else 'held'
    except OSError:
        got[name] = 'held'
attempt('ran', lambda: open(place + '/skill/own').read() == 'own')
attempt('fs_read', lambda: open(place + '/canary').read() == 'canary')
attempt('fs_write', lambda: open(place + '/written', 'w').write('x'))
if got['fs_write'] == 'held':
    attempt('fs_write', lambda: open(place + '/skill/written', 'w').write('x'))
def connect():
    with socket.create_connection(('127.0.0.1', port), 2):
        return True
attempt('net', connect)
attempt('processes', lambda: os.kill(outside, 0) is None)
def environments():
    yield repr(os.environ)
    for pid in (1, os.getppid()):
        try:
            yield open('/proc/%d/environ' % pid).read()
        except OSError:
            pass
attempt('env', lambda: any('HALDIR_PROBE' in text for text in environments()))
print(json.dumps(got), flush=True)
"""


@frozen
class Probed:
    """What a self-test showed: the dimensions that held, and why nothing is known where that is so."""

    held: frozenset[str]
    trouble: str | None


def probe(start: Callable[[Launch], Running]) -> Probed:
    """Return which dimensions ``start`` holds.

    What is tried: a canary outside, two writes, a loopback connection, another process, a variable.  A side effect
    counts as well as what the program says; whatever goes wrong means that nothing is held.
    """
    with PrivateFolder("haldir-probe-") as folder, _listener() as (port, reached):
        place = os.path.realpath(folder)
        Path(place, "skill").mkdir()
        Path(place, "skill", "own").write_text("own", "utf-8")
        Path(place, "canary").write_text("canary", "utf-8")
        Path(place).chmod(0o755)
        try:
            answer = _ask(start, _policy(Path(place, "skill")), (place, str(port), str(os.getpid())))
        except (EnforcerError, OSError, ValueError) as error:
            return Probed(frozenset(), f"the self-test did not run: {error}")
        wrote = Path(place, "written").exists() or Path(place, "skill", "written").exists()
        effects = {"fs_write": wrote, "net": reached()}
    if answer.get("ran") != "open":
        return Probed(frozenset(), "the self-test could not read its own folder inside the confinement")
    return Probed(frozenset(name for name in TESTS if answer.get(name) == "held" and not effects.get(name)), None)


def _policy(root: Path) -> Policy:
    from haldir_core.permissions import AgentCapabilities  # noqa: PLC0415 - slow to import, and wanted here alone

    executable = os.path.realpath(sys.executable)
    profiles = detect_profiles(executable, (), ())
    place = Place(root=str(root), home=str(root), resolve=os.path.realpath)
    grants = profile_grants(profiles, (), place)
    empty = Policy(
        root=root,
        read=grants.read,
        write=grants.write,
        hosts=(),
        programs=(),
        capabilities=AgentCapabilities(),
        never_write=(),
        never_read=(),
        profiles=profiles,
        notes=(),
    )
    return granting(empty, "skill", read=[root])


def _ask(start: Callable[[Launch], Running], policy: Policy, arguments: tuple[str, ...]) -> dict[str, str]:
    reading, writing = os.pipe()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.environ[_SECRET] = "1"
    try:
        running = start(
            Launch(
                policy=policy,
                argv=(os.path.realpath(sys.executable), "-I", "-S", "-c", _PROGRAM, *arguments),
                cwd=str(policy.root),
                environment={"LANG": "C.UTF-8"},
                limits=Limits(timeout_seconds=_SECONDS),
                reaction=Reaction.DENY,
                record=lambda _event: None,
                stdin=nowhere,
                stdout=writing,
                stderr=nowhere,
            )
        )
        running.wait()
        os.set_blocking(reading, False)
        text = os.read(reading, _ANSWER_BYTES)
    except BlockingIOError:
        return {}
    finally:
        del os.environ[_SECRET]
        for descriptor in (reading, writing, nowhere):
            os.close(descriptor)
    answer = json.loads(text)
    return {str(name): str(value) for name, value in answer.items()} if isinstance(answer, dict) else {}


@contextmanager
def _listener() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A loopback port, and whether anybody connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def reached() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], reached
