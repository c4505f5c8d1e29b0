# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from haldir_enforcer._linux import LinuxConfinement, Namespaces, _landlock, detect
from haldir_enforcer._linux._tree import descendants
from haldir_enforcer.confinement import Ending, Level, Reaction
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By, Class, Decision, Event

SLEEP = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import os, time\nif os.fork() == 0: os.setsid()\nprint('x', flush=True)\ntime.sleep(60)",
]


def started(skill: Any, **changes: Any) -> tuple[Any, list[Event], int]:
    events: list[Event] = []
    read, write = os.pipe()
    running = skill.confinement(**changes).start(skill.launch(SLEEP, events.append, write))
    os.close(write)
    assert os.read(read, 1) == b"x"
    return running, events, read


def wait_for_the_end_of(read: int) -> None:
    """Every process of the tree holds the pipe; it ends with the last one."""
    while os.read(read, 100):
        pass
    os.close(read)


def test_the_tree_dies_with_its_supervisor(skill: Any) -> None:
    running, events, read = started(skill)
    os.kill(running._supervisor, signal.SIGKILL)
    wait_for_the_end_of(read)
    ended = running.wait(20)
    assert ended.ending is Ending.FAILED
    assert events[-1].action is Action.SUPERVISOR_FAILED


def test_the_tree_dies_with_the_supervisor_on_a_kernel_without_scopes(lone_skill: Any) -> None:
    running, _, read = started(lone_skill, kernel=evolve(detect(), landlock_abi=3))
    os.kill(running._supervisor, signal.SIGKILL)
    wait_for_the_end_of(read)
    assert running.wait(20).ending is Ending.FAILED


def test_the_tree_dies_with_its_keeper(skill: Any) -> None:
    running, _, read = started(skill)
    keeper = next(process for process in descendants(running._supervisor) if process != running.pid)
    os.kill(keeper, signal.SIGKILL)
    wait_for_the_end_of(read)
    assert running.wait(20).ending is Ending.FAILED


def test_the_tree_dies_with_the_process_that_started_it(skill: Any) -> None:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        skill.confinement().start(skill.launch(SLEEP, lambda _: None, write))
        os.close(write)
        time.sleep(30)
        os._exit(0)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_for_the_end_of(read)


def test_an_event_that_cannot_be_recorded_ends_the_run(skill: Any) -> None:
    seen: list[Event] = []

    def record(event: Event) -> None:
        seen.append(event)
        if (event.path or "").endswith("data.txt"):
            raise OSError(28, "no space left")

    outcome = skill.python("import time\nopen('data.txt')\ntime.sleep(60)", record=record)
    assert outcome.ended.ending is Ending.FAILED
    assert "no space left" in (outcome.ended.detail or "")
    assert (seen[-1].path or "").endswith("data.txt")


def test_a_caller_whose_memory_cannot_be_read_is_killed(lone_skill: Any) -> None:
    outcome = lone_skill.python(
        "import ctypes, os\nlibc = ctypes.CDLL(None)\nprint('before', flush=True)\n"
        "if os.fork(): os.wait()\n"
        "libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE\nlibc.open(b'data.txt', 0)\nprint('after', flush=True)"
    )
    assert outcome.ended.ending is Ending.FAILED
    assert outcome.output.strip() == "before"
    assert outcome.violations[-1].action is Action.SUPERVISOR_FAILED


def test_a_process_that_hides_its_memory_is_killed(lone_skill: Any) -> None:
    outcome = lone_skill.python(
        "import ctypes, os\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\nprint('before', flush=True)\n"
        "if os.fork() == 0:\n    try: open('data.txt')\n    except OSError: pass\n    print('after', flush=True)\n"
        "os.wait()"
    )
    assert outcome.output.strip() == "before"
    assert outcome.ended.ending is Ending.FAILED


@pytest.mark.parametrize(
    "call",
    [
        (165, "mount"),
        (272, "unshare"),
        (101, "ptrace"),
        (310, "process_vm_readv"),
        (425, "io_uring_setup"),
        (321, "bpf"),
        (298, "perf_event_open"),
        (323, "userfaultfd"),
        (250, "keyctl"),
        (304, "open_by_handle_at"),
        (438, "pidfd_getfd"),
        (161, "chroot"),
        (308, "setns"),
    ],
    ids=lambda call: call[1],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
def test_a_refused_call_fails_and_is_named(lone_skill: Any, call: tuple[int, str]) -> None:
    outcome = lone_skill.python(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"print(libc.syscall({call[0]}, 0x10000000, 0, 0, 0, 0), ctypes.get_errno())"
    )
    assert outcome.output.strip() == "-1 1"
    assert [event.detail for event in outcome.violations] == [call[1]]


OLD_CALL = """
import ctypes, mmap, os
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("53 89f8 89f3 89d1 ba00000000 cd80 5b c3"))
call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(
    ctypes.addressof(ctypes.c_char.from_buffer(code))
)
"""
"""``call(NUMBER, A, B)`` makes a call of the 32-bit table, with int 0x80."""
ONLY_X86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="no other has a second table here")


@ONLY_X86_64
@pytest.mark.parametrize("number", [20, 5, 11, 257, 999], ids=["getpid", "open", "execve", "openat of the other", "-"])
def test_a_call_of_another_table_fails_and_is_named(skill: Any, number: int) -> None:
    outcome = skill.python(f"{OLD_CALL}print(call({number}, 0, 0), call({number}, 0, 0), os.getpid() > 0)")
    assert outcome.output.split() == ["-1", "-1", "True"]
    assert {event.detail for event in outcome.violations} == {f"syscall {number} of another architecture"}
    assert sum(event.count for event in outcome.of(Action.SYSCALL, Decision.DENY)) == 2
    assert outcome.ended.ending is Ending.EXITED


@ONLY_X86_64
def test_a_call_of_another_table_by_any_process_ends_the_run(skill: Any) -> None:
    code = f"{OLD_CALL}if os.fork() == 0: call(20, 0, 0)\nelse: os.wait()\nprint('after', flush=True)"
    outcome = skill.python(code, reaction=Reaction.KILL)
    assert outcome.output == ""
    assert outcome.ended.ending is Ending.VIOLATION


def test_new_namespaces_are_refused(skill: Any) -> None:
    outcome = skill.python(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nfor flag in (0x10000000, 0x20000000, 0x40000000):\n"
        "    print(libc.syscall(56, flag | 17, 0, 0, 0, 0), ctypes.get_errno())\n"
        "print(libc.syscall(435, 0, 0), ctypes.get_errno())"
    )
    assert outcome.output.split("\n")[:4] == ["-1 1", "-1 1", "-1 1", "-1 38"]


def test_a_busy_starter_does_not_hold_the_program_up(skill: Any) -> None:
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        outcome = skill.python("for n in range(300): open('data.txt').close()\nprint('fine')")
    finally:
        over.set()
        spinner.join()
    assert "fine" in outcome.output


def test_the_same_event_again_is_counted(skill: Any) -> None:
    outcome = skill.python("for n in range(1000): open('data.txt').close()")
    path = str(skill.root / "data.txt")
    events = [event for event in outcome.of(Action.FS_READ) if event.path == path]
    assert sum(event.count for event in events) == 1000
    assert len(events) < 50


def test_many_runs_at_once_do_not_mix(skill: Any) -> None:
    outcomes: list[Any] = []

    def run(number: int) -> None:
        outcomes.append((number, skill.python(f"print({number}); raise SystemExit({number})")))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((number, outcome.ended.code, int(outcome.output)) for number, outcome in outcomes) == [
        (number, number, number) for number in range(8)
    ]


def test_a_starting_thread_may_end_before_the_run(skill: Any) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(started(skill)))
    thread.start()
    thread.join()
    running, _, read = found[0]
    time.sleep(0.1)
    assert descendants(running._supervisor)
    running.stop()
    wait_for_the_end_of(read)
    assert running.wait(20).ending is Ending.STOPPED


def test_the_standing_is_what_a_probe_saw() -> None:
    alone = LinuxConfinement(Namespaces.NEVER).standing()
    assert alone.level is Level.L2
    assert alone.enforced.fs_read is alone.enforced.exec is By.KERNEL
    inside = LinuxConfinement(Namespaces.REQUIRED).standing()
    assert inside.level is Level.L3
    assert inside.enforced.memory is By.SUPERVISOR


@pytest.mark.parametrize(
    ("masked", "level", "files", "net"),
    [
        ({"landlock_abi": 0}, Level.L1, By.SUPERVISOR, By.SUPERVISOR),
        ({"landlock_abi": 1}, Level.L2, By.KERNEL, By.SUPERVISOR),
        ({"landlock_abi": 3}, Level.L2, By.KERNEL, By.SUPERVISOR),
        ({"landlock_abi": 4}, Level.L2, By.KERNEL, By.KERNEL),
        ({"notify": False}, Level.NONE, By.NONE, By.NONE),
        ({"notify": False, "landlock_abi": 0, "user_namespaces": False}, Level.NONE, By.NONE, By.NONE),
    ],
)
def test_an_older_kernel_is_told_truly(masked: dict[str, Any], level: Level, files: By, net: By) -> None:
    standing = LinuxConfinement(Namespaces.NEVER, kernel=evolve(detect(), **masked)).standing()
    assert standing.level is level
    assert (standing.enforced.fs_read, standing.enforced.net) == (files, net)
    assert standing.missing


def test_without_an_answering_supervisor_nothing_runs(lone_skill: Any) -> None:
    for masked in ({"notify": False}, {"notify": False, "landlock_abi": 0, "user_namespaces": False}):
        with pytest.raises(ConfinementError, match="seccomp user notification"):
            lone_skill.python("open('out/ran', 'w')", kernel=evolve(detect(), **masked))
    assert not (lone_skill.root / "out" / "ran").exists()


def test_required_namespaces_are_not_lowered(lone_skill: Any) -> None:
    kernel = evolve(detect(), user_namespaces=False)
    with pytest.raises(ConfinementError, match="namespaces are required"):
        lone_skill.python("pass", namespaces=Namespaces.REQUIRED, kernel=kernel)
    assert LinuxConfinement(Namespaces.REQUIRED, kernel=kernel).standing().level is Level.NONE


@pytest.mark.parametrize("abi", [0, 1, 3, 5])
def test_secrets_and_signals_are_out_of_reach_on_older_kernels_too(lone_skill: Any, abi: int) -> None:
    outcome = lone_skill.python(
        f"""
import os, socket
def attempt(do):
    try: do()
    except OSError as error: print('REFUSED', error.errno)
    else: print('DONE')
attempt(lambda: open('../outside/secret'))
attempt(lambda: os.truncate('data.txt', 0))
attempt(lambda: os.kill({os.getpid()}, 0))
attempt(lambda: socket.create_connection(('127.0.0.1', 9)))
attempt(lambda: os.execv('/usr/bin/id', ['id']))
print(open('data.txt').read())
""",
        kernel=evolve(detect(), landlock_abi=abi),
    )
    assert outcome.output.count("REFUSED") == 5, outcome.output
    assert "data" in outcome.output


@pytest.mark.parametrize(("abi", "rights"), [(0, 0), (1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (7, 16)])
def test_no_more_is_asked_of_landlock_than_its_version_has(abi: int, rights: int) -> None:
    files, network, scopes = _landlock.handled(abi)
    assert files == (1 << rights) - 1
    assert network == (3 if abi >= 4 else 0)
    assert scopes == (3 if abi >= 6 else 0)


def test_a_closed_stream_is_an_error_before_anything_runs(lone_skill: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfinementError, match="standard stream"):
        lone_skill.confinement().start(lone_skill.launch(SLEEP, lambda _: None, 987, stdin=lone_skill.null))


def test_a_missing_working_folder_is_an_error_before_anything_runs(lone_skill: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfinementError, match="No such file"):
        lone_skill.python("pass", cwd=str(tmp_path / "nowhere"))


def test_a_violation_is_recorded_before_the_run_is_over(skill: Any) -> None:
    outcome = skill.python("open('/etc/shadow')", reaction=Reaction.KILL)
    assert outcome.ended.ending is Ending.VIOLATION
    assert [event.path for event in outcome.events if event.kind is Class.VIOLATION] == ["/etc/shadow"]


@pytest.fixture
def _undisturbed() -> Iterator[None]:
    """What measures coverage does not run in this thread: it takes a lock, and must not be interrupted meanwhile."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


# Python itself closes a file that was just opened, and loses a Ctrl-C that comes during garbage collection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("_undisturbed")
def test_ctrl_c_while_a_program_starts_leaves_no_process(skill: Any) -> None:
    confinement = skill.confinement()
    launches = [skill.launch(SLEEP, list[Event]().append, skill.null) for _ in range(12)]
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    pressed = 0
    try:
        for number, launch in enumerate(launches):
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0005 * number)
            try:
                running = confinement.start(launch)
                signal.setitimer(signal.ITIMER_REAL, 0)
                running.stop()
            except KeyboardInterrupt:
                pressed += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert pressed
    deadline = time.monotonic() + 20
    while descendants(os.getpid()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
