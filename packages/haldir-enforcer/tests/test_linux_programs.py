# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from haldir_enforcer._auditlog.text import printable_argv
from haldir_enforcer._linux._libraries import looks_for_library
from haldir_enforcer._linux._memory import Arguments
from haldir_enforcer.confinement import Ending, Launch, Reaction
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, Class, Decision, Event, LeftOut

TRUE = os.path.realpath(shutil.which("true") or "/usr/bin/true")
PYTHON = os.path.realpath(sys.executable)
DECLARED: dict[str, Any] = {"exec": ["true"]}

SPAWN = """
import os, sys
def spawn(do):
    child = os.fork()
    if child == 0:
        try: do()
        except OSError as error: os._exit(100 + error.errno % 100)
        os._exit(99)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("RAN" if status == 0 else "REFUSED", status)
"""


def test_a_declared_program_runs_and_its_arguments_are_recorded(skill: Any) -> None:
    outcome = skill.python(
        f"{SPAWN}\nspawn(lambda: os.execv({TRUE!r}, ['true', 'one', 'two words']))", declared=DECLARED
    )
    assert "RAN 0" in outcome.output, outcome.output
    (event,) = outcome.of(Action.PROCESS_EXEC, Decision.ALLOW)
    assert event.argv == ("true", "one", "two words")
    assert not outcome.violations


@pytest.mark.parametrize(
    "way",
    [
        "os.execv('/usr/bin/id', ['id'])",
        "os.execv(sys.executable, [sys.executable, '-c', ''])",
        "os.execv('/bin/sh', ['sh', '-c', 'exit 0'])",
        "os.execv('/proc/self/exe', ['python', '-c', ''])",
        "os.execve(os.open('/usr/bin/id', os.O_RDONLY), ['id'], {})",
        "os.execve(os.open('/usr/bin/id', os.O_PATH), ['id'], {})",
        "os.execv(f'/proc/self/fd/{os.open(\"/usr/bin/id\", os.O_PATH)}', ['id'])",
        "os.execv('/lib64/ld-linux-x86-64.so.2', ['ld.so', '/usr/bin/id'])",
        "(open('out/x', 'wb').write(TRUE), os.chmod('out/x', 0o755), os.execv('out/x', ['x']))",
        "(open('out/s', 'w').write('#!/bin/true\\n'), os.chmod('out/s', 0o755), os.execv('out/s', ['s']))",
        "(os.symlink('/usr/bin/id', 'out/true'), os.execv('out/true', ['true']))",
        "(m := os.memfd_create('m'), os.write(m, TRUE), os.execve(m, ['m'], {}))",
        "(m := os.memfd_create('m'), os.write(m, TRUE), os.execv(f'/dev/fd/{m}', ['m']))",
    ],
)
def test_no_other_program_runs(skill: Any, way: str) -> None:
    outcome = skill.python(
        f"{SPAWN}\nTRUE = open('/bin/true', 'rb').read()\nspawn(lambda: {way})",
        declared={"exec": ["true"], "filesystem": {"read": ["/usr/bin"], "write": ["out"]}},
    )
    assert "REFUSED" in outcome.output, outcome.output
    assert [event for event in outcome.violations if event.action is Action.PROCESS_EXEC]


def test_a_program_that_is_killed_while_it_starts_is_waited_for_as_any_other(skill: Any) -> None:
    outcome = skill.python(
        f"""
import os, random, time
for _ in range(300):
    child = os.fork()
    if not child:
        os.execv({TRUE!r}, ['true'])
    until = time.perf_counter() + random.random() * 0.003
    while time.perf_counter() < until:
        pass
    os.kill(child, 9)
    os.waitpid(child, 0)
print('all have ended')
""",
        declared=DECLARED,
    )
    assert outcome.output == "all have ended\n"
    assert outcome.ended.ending is Ending.EXITED
    assert not outcome.violations


def test_a_program_that_is_replaced_during_the_check_is_the_end_of_the_run(skill: Any) -> None:
    outcome = skill.python(
        f"""
import ctypes, os, threading, time, signal
libc = ctypes.CDLL(None, use_errno=True)
good, bad = {TRUE!r}.encode().ljust(100, b'\\0'), b'/usr/bin/id'.ljust(100, b'\\0')
path = ctypes.create_string_buffer(good, 101)
argv = (ctypes.c_char_p * 2)(b'x', None)
envp = (ctypes.c_char_p * 1)(None)
def rewrite():
    while True:
        ctypes.memmove(path, bad, 100); ctypes.memmove(path, good, 100)
for _ in range(60):
    child = os.fork()
    if child == 0:
        threading.Thread(target=rewrite, daemon=True).start()
        for _ in range(200): libc.execve(path, argv, envp)
        os._exit(1)
    os.waitpid(child, 0)
print('over')
""",
        declared=DECLARED,
    )
    assert "uid=" not in outcome.output
    assert outcome.ended.ending in {Ending.EXITED, Ending.FAILED}


def test_arguments_that_change_during_the_check_are_the_end_of_the_run(skill: Any) -> None:
    outcome = skill.python(
        f"""
import ctypes, mmap, os, time
libc = ctypes.CDLL(None)
shared = mmap.mmap(-1, 4096)
word = ctypes.addressof(ctypes.c_char.from_buffer(shared))
argv = (ctypes.c_void_p * 3)(ctypes.cast(ctypes.c_char_p(b'true'), ctypes.c_void_p).value, word, None)
flipper = os.fork()
while flipper == 0:
    shared[:8] = b'honest\\0\\0'
    shared[:8] = b'hostile\\0'
end = time.monotonic() + 20
while time.monotonic() < end:
    child = os.fork()
    if child == 0:
        libc.execve({TRUE!r}.encode(), argv, None)
    os.waitpid(child, 0)
""",
        declared=DECLARED,
    )
    assert outcome.ended.ending is Ending.FAILED
    assert "other arguments" in str(outcome.ended.detail)


@pytest.mark.parametrize(
    ("words", "argv", "same"),
    [
        (["true"], ("true",), True),
        (["sh", "-c", "x"], ("sh", "-c", "x"), True),
        (["sh", "-c", "y"], ("sh", "-c", "x"), False),
        (["sh", "-c", "x", "y"], ("sh", "-c", "x"), False),
        (["sh", "-c"], ("sh", "-c", "x"), False),
        (["/bin/sh", "/s.sh", "x"], ("s.sh", "x"), True),
        (["/usr/bin/env", "sh", "/s.sh", "x"], ("s.sh", "x"), True),
        (["/bin/sh", "/s.sh", "y"], ("s.sh", "x"), False),
        ([""], (), True),
        (["sh", "-c", "x" * 9000], ("sh", "-c", "x" * 9000), True),
        (["sh", "-c", "x" * 9000 + "y"], ("sh", "-c", "x" * 9000), False),
    ],
)
def test_the_arguments_of_a_new_program_are_those_that_were_read(
    words: list[str], argv: tuple[str, ...], *, same: bool
) -> None:
    read = Arguments(tuple(map(os.fsencode, argv)), len(argv))
    assert read.are([os.fsencode(word) for word in words]) is same


NUMBERS = [b"%d" % number for number in range(99)]


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (NUMBERS, True),
        ([b"/bin/sh", b"/s.sh", *NUMBERS[1:]], True),
        ([*NUMBERS[:5], b"-x", *NUMBERS[6:]], False),
        (NUMBERS[:-1], False),
        ([b"sh"], False),
    ],
    ids=["same", "script", "changed", "fewer", "none"],
)
def test_of_a_long_list_of_arguments_the_beginning_is_compared(words: list[bytes], *, same: bool) -> None:
    assert Arguments(tuple(NUMBERS[:64]), len(NUMBERS)).are(words) is same


def test_arguments_that_a_record_leaves_out_are_counted(skill: Any) -> None:
    words = ["ä" * 1500, *["-x"] * 600, "last"]
    outcome = skill.python(f"import os\nos.execv({TRUE!r}, ['true', *{words!r}])", declared=DECLARED)
    assert outcome.ended.code == 0, outcome
    event = outcome.of(Action.PROCESS_EXEC)[-1]
    assert event.argv == ("true", "ä" * 1024, *["-x"] * 62)
    assert event.left_out == LeftOut(arguments=603 - 64, characters=((1, 1500 - 1024),))
    assert printable_argv(event) == ["true", "ä" * 1024 + "\\+476", *["-x"] * 62, "\\+539"]


def test_arguments_that_are_all_recorded_have_no_mark(skill: Any) -> None:
    words = ["x" * 1024, *["-x"] * 62]
    outcome = skill.python(f"import os\nos.execv({TRUE!r}, ['true', *{words!r}])", declared=DECLARED)
    event = outcome.of(Action.PROCESS_EXEC)[-1]
    assert event.argv == ("true", *words)
    assert event.left_out is None


@pytest.mark.parametrize("words", ["[b'x' * 131_072]", "[b'x'] * 700_000"], ids=["one is too long", "too many"])
def test_arguments_that_no_program_can_have_are_refused_as_by_the_kernel(skill: Any, words: str) -> None:
    outcome = skill.python(
        f"import os\ntry:\n    os.execv({TRUE!r}, [b'true', *{words}])\nexcept OSError as error:\n"
        "    print(error.strerror)",
        declared=DECLARED,
    )
    assert outcome.output == "Argument list too long\n", outcome
    assert outcome.ended.ending is Ending.EXITED


def test_the_interpreter_of_a_script_must_be_declared_too(skill: Any) -> None:
    script = skill.root / "tool"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    outcome = skill.python(f"{SPAWN}\nspawn(lambda: os.execv('./tool', ['tool']))", declared={"exec": ["./tool"]})
    assert "RAN 0" in outcome.output, outcome.output
    policy = skill.policy({"exec": ["./tool"]}, sys.executable)
    alone = evolve(policy, programs=tuple(program for program in policy.programs if program.name == "./tool"))
    outcome = skill.python(f"{SPAWN}\nspawn(lambda: os.execv('./tool', ['tool']))", policy=alone)
    assert "REFUSED" in outcome.output


def test_a_script_is_started_with_its_interpreter(skill: Any) -> None:
    script = skill.root / "start"
    script.write_text('#!/bin/sh\necho "$0" started\n')
    script.chmod(0o755)
    outcome = skill.run([str(script)])
    assert "started" in outcome.output, outcome.output
    assert not outcome.violations


def test_a_program_that_changed_since_the_policy_was_made_is_refused(lone_skill: Any, tmp_path: Path) -> None:
    tool = lone_skill.root / "tool"
    shutil.copy(TRUE, tool)
    policy = lone_skill.policy({"exec": ["./tool"]}, sys.executable)
    with tool.open("ab") as file:
        file.write(b"changed")
    with pytest.raises(ConfinementError, match="has changed"):
        lone_skill.python("pass", policy=policy)


def test_python_finds_a_shared_library_and_that_is_no_violation(skill: Any) -> None:
    outcome = skill.run([PYTHON, "-I", "-c", "import ctypes.util; print(ctypes.util.find_library('c'))"])
    assert outcome.output == "libc.so.6\n", outcome
    (listed,) = outcome.of(Action.PROCESS_EXEC)
    assert (listed.argv, listed.kind) == (("/sbin/ldconfig", "-p"), Class.AMBIENT)


def test_a_library_that_is_nowhere_is_no_violation_either(skill: Any) -> None:
    code = "import ctypes.util, tempfile; tempfile.tempdir = 'out'; print(ctypes.util.find_library('no-such'))"
    outcome = skill.run([PYTHON, "-I", "-c", code], declared={"filesystem": {"read": [], "write": ["out"]}})
    assert outcome.output == "None\n", outcome
    assert not outcome.violations


@pytest.mark.parametrize(
    "words", [[], ["-v"], ["-p", "-p"], ["-C", "data.txt", "-p"], ["-p", "-r", "."], ["-p", *["-v"] * 80]]
)
def test_the_list_of_libraries_is_all_that_ldconfig_may_tell(skill: Any, words: list[str]) -> None:
    code = f"import os\ntry: os.execv('/sbin/ldconfig', ['/sbin/ldconfig', *{words!r}])\nexcept OSError: print('no')"
    outcome = skill.run([PYTHON, "-I", "-c", code])
    assert outcome.output == "no\n"
    assert [event.path for event in outcome.violations] == [os.path.realpath("/sbin/ldconfig")]


def test_only_python_may_list_the_libraries(skill: Any) -> None:
    outcome = skill.run(["/bin/sh", "-c", "exec /sbin/ldconfig -p"])
    assert "libc.so" not in outcome.output
    assert not outcome.of(Action.PROCESS_EXEC, Decision.ALLOW)


@pytest.mark.parametrize(
    ("program", "words", "quiet"),
    [
        ("/sbin/ldconfig", ["-p"], True),
        ("/usr/bin/gcc", ["-Wl,-t", "-o", "/x", "-lc"], True),
        ("/usr/bin/ld", ["-t", "-L", "/opt", "-L", "/y", "-o", "/dev/null", "-lc"], True),
        ("/usr/bin/objdump", ["-p", "-j", ".dynamic", "/lib/x.so"], True),
        ("/usr/bin/gcc", ["-Wl,-t", "-o", "/x", "-lc", "x.c"], False),
        ("/usr/bin/ld", ["-t", "-o", "x", "-lc"], False),
        ("/usr/bin/curl", ["-p"], False),
        ("/home/ldconfig", ["-p"], False),
        ("ldconfig", ["-p"], False),
    ],
)
def test_a_refused_search_for_a_library_is_told_from_other_programs(
    program: str, words: list[str], *, quiet: bool
) -> None:
    assert looks_for_library(program, tuple(map(os.fsencode, words))) is quiet


def test_a_program_that_is_not_there_is_not_started(skill: Any) -> None:
    with pytest.raises(ConfinementError, match="cannot be started"):
        skill.run([str(skill.root / "missing")], policy=skill.policy({}, sys.executable))


def test_a_program_that_the_kernel_refuses_was_not_started(skill: Any) -> None:
    broken = skill.root / "broken"
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    with pytest.raises(ConfinementError, match="broken was not started"):
        skill.run([str(broken)], policy=skill.policy({}, sys.executable))


def test_looking_for_a_program_along_the_path_is_no_violation(skill: Any) -> None:
    outcome = skill.python(
        f"{SPAWN}\npath = '/nowhere:/usr/nothing:{Path(TRUE).parent}'\n"
        "spawn(lambda: os.execvpe('true', ['true'], {'PATH': path}))",
        declared=DECLARED,
    )
    assert "RAN 0" in outcome.output, outcome.output
    assert not outcome.violations


def test_a_violation_kills_the_whole_tree_where_that_is_asked_for(skill: Any) -> None:
    events: list[Event] = []
    outcome = skill.python(
        "import os, time\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0: os.setsid(); time.sleep(60)\n"
        "print('before', flush=True)\n"
        "try: os.execv('/usr/bin/id', ['id'])\n"
        "except OSError: print('after', flush=True)\n",
        reaction=Reaction.KILL,
        record=events.append,
    )
    assert outcome.ended.ending is Ending.VIOLATION
    assert outcome.ended.code == 137
    assert outcome.output.strip() == "before"
    assert [event.path for event in events if event.action is Action.PROCESS_EXEC] == [os.path.realpath("/usr/bin/id")]


def test_threads_start_programs_too(skill: Any) -> None:
    outcome = skill.python(
        f"""
import os, threading
def go(): os.execv({TRUE!r}, ['true'])
threading.Thread(target=go).start()
import time; time.sleep(20)
""",
        declared=DECLARED,
    )
    assert outcome.ended.ending is Ending.EXITED
    assert outcome.ended.code == 0


def test_an_empty_argument_list_is_a_launch_like_any_other(lone_skill: Any) -> None:
    events: list[Event] = []
    launch: Launch = lone_skill.launch([TRUE], events.append, lone_skill.null)
    assert lone_skill.confinement().start(launch).wait(20).code == 0
