# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from haldir_enforcer.confinement import Ending, Reaction
from haldir_enforcer.events import Action, Event
from haldir_enforcer.limits import Limits


def ended_by(outcome: Any, action: Action) -> bool:
    return outcome.ended.ending is Ending.LIMIT and [event.action for event in outcome.violations][-1:] == [action]


def processes_in(folder: Path) -> list[int]:
    """The processes that have ``folder`` as their current one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_too_many_processes_end_the_run(skill: Any) -> None:
    outcome = skill.python(
        "import os, time\nfor n in range(100):\n    if os.fork() == 0: time.sleep(30)\nprint('all', flush=True)",
        limits=Limits(processes=20, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_PROCESSES)
    assert "all" not in outcome.output
    assert not processes_in(skill.root)


def test_too_many_threads_end_the_run(skill: Any) -> None:
    outcome = skill.python(
        "import threading\nover = threading.Event()\nthreading.stack_size(65536)\n"
        "for _ in range(1000): threading.Thread(target=over.wait, daemon=True).start()\nprint('all', flush=True)",
        limits=Limits(processes=10, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_PROCESSES)
    assert "all" not in outcome.output


def test_as_many_processes_as_are_allowed_run(skill: Any) -> None:
    outcome = skill.python(
        "import os\nfor n in range(200):\n    if os.fork() == 0: os._exit(0)\n    os.wait()\nprint('all')",
        limits=Limits(processes=3, timeout_seconds=30),
    )
    assert "all" in outcome.output
    assert not outcome.violations


def test_a_fork_bomb_ends(skill: Any) -> None:
    outcome = skill.python(
        "import os, signal\nfor n in range(1, 32):\n    if n not in (9, 17, 19): signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n    try: os.fork()\n    except OSError: pass",
        limits=Limits(processes=40, timeout_seconds=20),
    )
    assert ended_by(outcome, Action.LIMIT_PROCESSES)
    assert not processes_in(skill.root)


def test_a_fork_bomb_without_a_limit_of_processes_ends_with_its_time(skill: Any) -> None:
    outcome = skill.python(
        "import os, time\nfor _ in range(150):\n    if os.fork() == 0:\n        os.setsid(); time.sleep(60)\n"
        "while True:\n    if os.fork() == 0: os._exit(0)\n    os.wait()",
        limits=Limits(processes=None, timeout_seconds=1.5),
    )
    assert ended_by(outcome, Action.LIMIT_TIME)
    assert not processes_in(skill.root)


def test_too_much_memory_ends_the_run(skill: Any) -> None:
    outcome = skill.python(
        "import time\nkept = []\n"
        "for _ in range(40):\n    kept.append(b'x' * 10_000_000); time.sleep(0.02)\ntime.sleep(20)",
        limits=Limits(memory_mb=120, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_MEMORY)


def test_memory_files_count_as_memory(skill: Any) -> None:
    outcome = skill.python(
        "import os, time\nm = os.memfd_create('m')\n"
        "for _ in range(200): os.write(m, b'x' * 1_000_000); time.sleep(0.005)\n"
        "time.sleep(20)",
        limits=Limits(memory_mb=100, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_MEMORY)


@pytest.mark.parametrize(
    "way",
    [
        "open(f'out/{n}', 'wb')",
        "(f := open(f'out/{n}', 'wb'), os.unlink(f'out/{n}'), f)[2]",
        "os.fdopen(os.open('out', os.O_TMPFILE | os.O_WRONLY), 'wb')",
        "(os.makedirs(f'out/{n}/' + '/'.join('x' * 5 for _ in range(40 * 8))), open(f'out/f{n}', 'wb'))[1]",
        "(f := open('out/part', 'wb'), os.rename('out/part', f'out/{n}'))[0]",
        "(f := open('out/part', 'wb'), os.link('out/part', f'out/{n}'), os.unlink('out/part'), f)[0]",
    ],
)
def test_too_much_on_the_disk_ends_the_run(skill: Any, way: str) -> None:
    outcome = skill.python(
        f"""
import os, time
kept = []
for n in range(60):
    f = {way}; f.write(b'x' * 1_000_000); f.flush(); kept.append(f); time.sleep(0.005)
time.sleep(20)
""",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(disk_mb=20, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_DISK), (outcome.ended, outcome.output)


def test_files_in_a_folder_that_gets_another_name_count_on(skill: Any) -> None:
    outcome = skill.python(
        """
import os, time
for n in range(60):
    os.mkdir('out/part')
    with open('out/part/f', 'wb') as f: f.write(b'x' * 1_000_000)
    os.rename('out/part', f'out/{n}'); time.sleep(0.005)
time.sleep(20)
""",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(disk_mb=20, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_DISK), (outcome.ended, outcome.output)


def test_a_file_of_two_names_is_counted_once(skill: Any) -> None:
    outcome = skill.python(
        "import os, time\nopen('out/f', 'wb').write(b'x' * 12_000_000)\nos.link('out/f', 'out/g')\n"
        "open('out/g', 'ab').close()\ntime.sleep(0.3)\nprint('DONE')",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(disk_mb=20, timeout_seconds=30),
    )
    assert outcome.output.split() == ["DONE"]


def test_a_host_of_descriptors_hides_no_memory(skill: Any) -> None:
    outcome = skill.python(
        """
import os, resource, time
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
file = os.open('/dev/null', os.O_RDONLY)
try:
    for _ in range(200_000): os.dup(file)
except OSError: pass
for _ in range(20):
    if not os.fork(): time.sleep(60); os._exit(0)
time.sleep(1)
kept = b'x' * 400_000_000
print('FULL', flush=True)
time.sleep(3)
print('ESCAPED', flush=True)
""",
        limits=Limits(memory_mb=200, timeout_seconds=30),
    )
    assert ended_by(outcome, Action.LIMIT_MEMORY), (outcome.ended, outcome.output)
    assert "ESCAPED" not in outcome.output


def test_one_file_is_never_larger_than_the_limit(skill: Any) -> None:
    outcome = skill.python(
        "import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nf = open('out/f', 'wb')\n"
        "try:\n    while True: f.write(b'x' * 1_000_000)\n"
        "except OSError as error: print('REFUSED', error.errno, flush=True)",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(disk_mb=5, timeout_seconds=30),
    )
    assert (skill.root / "out" / "f").stat().st_size <= 5_000_000
    assert "REFUSED 27" in outcome.output or outcome.ended.ending is Ending.LIMIT


def test_one_file_of_the_size_of_the_limit_ends_the_run(skill: Any) -> None:
    outcome = skill.python(
        "import signal, time\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nf = open('out/f', 'wb', buffering=0)\n"
        "try:\n    while True: f.write(b'x' * 1_000_000)\nexcept OSError: time.sleep(20)",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(disk_mb=5, timeout_seconds=30),
    )
    assert outcome.ended.ending is Ending.LIMIT
    assert "may be" in str(outcome.ended.detail)


def test_the_time_ends_the_run_and_every_daemon_of_it(skill: Any) -> None:
    outcome = skill.python(
        """
import os, signal, time
for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(n, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
time.sleep(60)
""",
        limits=Limits(timeout_seconds=1),
    )
    assert ended_by(outcome, Action.LIMIT_TIME)
    assert not processes_in(skill.root)


def test_what_is_left_when_the_program_ends_is_ended_too(skill: Any) -> None:
    outcome = skill.python(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(60)\n    os._exit(0)\ntime.sleep(0.2)"
    )
    assert outcome.ended.ending is Ending.EXITED
    assert not processes_in(skill.root)


def test_exit_codes_and_signals_are_told_apart(skill: Any) -> None:
    assert skill.python("raise SystemExit(7)").ended.code == 7
    killed = skill.python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)").ended
    assert (killed.ending, killed.code) == (Ending.SIGNALLED, 128 + signal.SIGTERM)


def test_signals_reach_the_program(skill: Any) -> None:
    events: list[Event] = []
    read, write = os.pipe()
    code = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'caught\\n'), os._exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(30)"
    )
    running = skill.confinement().start(skill.launch([sys.executable, "-I", "-S", "-c", code], events.append, write))
    os.close(write)
    assert os.read(read, 100) == b"ready\n"
    running.signal(signal.SIGTERM)
    assert running.wait(20).code == 5
    assert os.read(read, 100) == b"caught\n"
    running.signal(signal.SIGTERM)
    running.stop()
    os.close(read)


def test_a_run_that_is_stopped_says_so(skill: Any) -> None:
    running = skill.confinement().start(
        skill.launch([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"], lambda _: None, skill.null)
    )
    with pytest.raises(TimeoutError):
        running.wait(0.05)
    running.stop()
    assert running.wait(20).ending is Ending.STOPPED
    assert not processes_in(skill.root)


def test_signals_stay_inside(skill: Any) -> None:
    outcome = skill.python(
        f"""
import os, signal, ctypes
def attempt(do):
    try: do()
    except OSError as error: print('REFUSED', error.errno)
    else: print('DONE')
attempt(lambda: os.kill({os.getpid()}, 0))
attempt(lambda: os.kill({os.getppid()}, 0))
attempt(lambda: os.killpg({os.getpgid(0)}, 0))
attempt(lambda: signal.pidfd_send_signal(os.pidfd_open({os.getpid()}), 0))
attempt(lambda: os.sched_setaffinity({os.getpid()}, {{0}}))
attempt(lambda: os.setpriority(os.PRIO_USER, os.getuid(), 5))
child = os.fork()
if child == 0:
    import time; time.sleep(30)
os.kill(child, signal.SIGKILL)
print('own', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert outcome.output.count("REFUSED") == 6, outcome.output
    assert "own -9" in outcome.output


def test_a_kill_is_over_before_anything_can_be_noticed(skill: Any) -> None:
    code = (
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0: time.sleep(60)\n"
        "print('x', flush=True)\nopen('/etc/shadow')"
    )
    read, write = os.pipe()
    launch = skill.launch([sys.executable, "-I", "-S", "-c", code], lambda _: None, write, reaction=Reaction.KILL)
    running = skill.confinement().start(launch)
    os.close(write)
    assert os.read(read, 10) == b"x\n"
    started = time.monotonic()
    assert os.read(read, 10) == b""  # the last holder of the pipe is gone
    assert running.wait(20).ending is Ending.VIOLATION
    os.close(read)
    assert time.monotonic() - started < 10
