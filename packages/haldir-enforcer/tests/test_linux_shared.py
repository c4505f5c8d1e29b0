# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haldir_enforcer._linux._shared import Shared
from haldir_enforcer.confinement import Ending, Reaction
from haldir_enforcer.events import Action, Class
from haldir_enforcer.limits import Limits

FOLDER = Path("/dev/shm")  # noqa: S108 - the machine's, where the C library keeps semaphores
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") or sys.executable
"""One that a skill can declare by its name, where there is one."""
PYTHON_TOO: dict[str, Any] = {"exec": ["python3"]}

TRY = """
import os
def attempt(do):
    try: print('GRANTED', do())
    except OSError as error: print('REFUSED', error.errno)
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
"""
WORK = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

def square(number): return number * number

if __name__ == '__main__':
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Lock(): pass
    queue = multiprocessing.Queue()
    queue.put(3)
    with multiprocessing.Pool(2) as pool, ProcessPoolExecutor(2) as executor:
        print(queue.get(), pool.map(square, [1, 2]), list(executor.map(square, [3, 4])))
"""
MEMORY = """
from multiprocessing import shared_memory
made = shared_memory.SharedMemory(create=True, size=3_000_000)
made.buf[:] = b'x' * len(made.buf)
again = shared_memory.SharedMemory(name=made.name)
print(bytes(again.buf[:2]), len(again.buf) >= 3_000_000)
again.close()
made.close()
made.unlink()
"""


@pytest.fixture
def other() -> Iterator[Path]:
    """What another program of this user has in shared memory."""
    path = FOLDER / f"psm_{os.urandom(4).hex()}"
    path.write_text("another's")
    path.chmod(0o600)
    yield path
    path.unlink()


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Nothing of a run is left in shared memory, however it ended."""
    before = set(FOLDER.iterdir())
    yield
    left = {path for path in set(FOLDER.iterdir()) - before if path.name.startswith(("sem.", "psm_"))}
    assert not left


def test_processes_of_python_work_together_without_a_declaration(skill: Any) -> None:
    (skill.root / "work.py").write_text(WORK)
    outcome = skill.run([PYTHON, "-I", "work.py", "fork"])
    assert outcome.output == "3 [1, 4] [9, 16]\n", outcome
    assert not outcome.violations
    shared = [event for event in outcome.events if (event.path or "").startswith(f"{FOLDER}/")]
    assert {event.action for event in shared} == {Action.FS_CREATE, Action.FS_LINK, Action.FS_UNLINK}
    assert {(event.kind, event.rule) for event in shared} == {(Class.AMBIENT, "shared memory")}


@pytest.mark.parametrize("way", ["spawn", "forkserver"])
def test_other_ways_to_start_processes_need_python_declared(skill: Any, way: str) -> None:
    (skill.root / "work.py").write_text(WORK)
    environment = {"TMPDIR": str(skill.root / "out")}  # the server listens on a path there
    declared = {**PYTHON_TOO, "filesystem": {"read": [], "write": ["out"]}}
    outcome = skill.run([PYTHON, "work.py", way], declared=declared, environment=environment)
    assert outcome.output == "3 [1, 4] [9, 16]\n", outcome
    assert not outcome.violations


def test_shared_memory_of_python_works(skill: Any) -> None:
    outcome = skill.run([PYTHON, "-I", "-c", MEMORY], declared=PYTHON_TOO)
    assert outcome.output == "b'xx' True\n", outcome
    assert not outcome.violations


@pytest.mark.parametrize(
    "way",
    [
        "open({0!r}).read()",
        "os.open({0!r}, os.O_RDWR)",
        "os.open({0!r}, os.O_RDWR | os.O_CREAT)",
        "os.open({0!r}, NEW)",
        "os.open({0!r}, os.O_WRONLY | os.O_TRUNC)",
        "os.unlink({0!r})",
        "os.truncate({0!r}, 0)",
        "os.chmod({0!r}, 0o666)",
        "os.rename({1!r}, {0!r})",
        "os.rename({0!r}, {1!r})",
        "os.link({1!r}, {0!r})",
        "os.link({0!r}, {2!r})",
        "os.link({0!r}, 'out/x')",
        "os.symlink({0!r}, {2!r}) or open({2!r}).read()",
    ],
)
def test_what_another_program_has_in_shared_memory_is_not_reached(skill: Any, other: Path, way: str) -> None:
    own, unused = (str(FOLDER / f"psm_{os.urandom(4).hex()}") for _ in range(2))
    code = f"{TRY}\nos.close(os.open({own!r}, NEW, 0o600))\nattempt(lambda: {way.format(str(other), own, unused)})"
    outcome = skill.python(code, declared={"filesystem": {"read": [], "write": ["out"]}})
    unseen = skill.namespaces.value == "required" and ("NEW" in way or "O_CREAT" in way or way.endswith("1!r}, {0!r})"))
    assert "another" not in outcome.output
    assert outcome.output.startswith("REFUSED") or unseen, outcome
    assert other.read_text() == "another's"
    assert other.stat().st_nlink == 1
    assert other.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "way",
    [
        "os.open('/dev/shm/sem.application', NEW)",
        "os.open('/dev/shm/application', NEW)",
        "os.open('/dev/shm/psm_0123456', NEW)",
        "os.open('/dev/shm/psm_0123456/x', NEW)",
        "os.open('/dev/shm/psm_01234567', os.O_RDWR | os.O_CREAT)",
        "os.mkdir('/dev/shm/psm_01234567')",
        "os.mkfifo('/dev/shm/psm_01234567')",
        "os.symlink('data.txt', '/dev/shm/psm_01234567')",
        "os.link('out/file', '/dev/shm/psm_01234567')",
        "os.rename('out/file', '/dev/shm/psm_01234567')",
        "os.link(OWN, 'out/x')",
        "os.link(OWN, '/dev/shm/sem.application')",
        "os.rename(OWN, '/dev/shm/sem.ABCDEF')",
        "os.rename('out/file', OWN)",
    ],
)
def test_only_new_files_of_random_names_are_made_in_shared_memory(skill: Any, way: str) -> None:
    code = f"{TRY}\nOWN = '/dev/shm/sem.abcdef'\nos.close(os.open(OWN, NEW, 0o600))\nopen('out/file', 'w').close()\n"
    outcome = skill.python(f"{code}attempt(lambda: {way})", declared={"filesystem": {"read": [], "write": ["out"]}})
    assert outcome.output.startswith("REFUSED"), outcome


@pytest.mark.parametrize("way", ["os.chmod(OWN, 0o666)", "os.fchmod(held, 0o666)", "os.utime(OWN, (1, 1))"])
def test_shared_memory_of_a_run_is_for_its_own_user_alone(skill: Any, way: str) -> None:
    code = (
        f"{TRY}\nos.umask(0)\nOWN = '/dev/shm/psm_0123abcd'\nheld = os.open(OWN, NEW, 0o666)\nattempt(lambda: {way})\n"
        "os.truncate(OWN, 5)\nprint(oct(os.fstat(held).st_mode), os.fstat(held).st_size)"
    )
    outcome = skill.python(code)
    assert outcome.output == "REFUSED 1\n0o100600 5\n", outcome
    assert not outcome.violations


def test_a_name_that_a_run_removed_is_anybodys_again() -> None:
    shared, name = Shared(), f"{FOLDER}/sem.ABCDEF"
    shared.made(name)
    assert name in shared
    shared.removed(name)
    assert name not in shared


def test_no_run_makes_names_without_end() -> None:
    shared = Shared()
    for number in range(4096):
        assert shared.may_make(f"{FOLDER}/psm_{number:08x}")
        shared.made(f"{FOLDER}/psm_{number:08x}")
    assert not shared.may_make(f"{FOLDER}/psm_ffffffff")


def test_shared_memory_counts_among_the_files_that_are_written(skill: Any) -> None:
    code = (
        f"{TRY}\nimport time\nfor number in range(3):\n"
        f"    held = os.open(f'{FOLDER}/psm_{{number:08x}}', NEW, 0o600)\n"
        "    os.posix_fallocate(held, 0, 6_100_000)\n    os.close(held)\ntime.sleep(20)"
    )
    outcome = skill.python(code, limits=Limits(timeout_seconds=15, disk_mb=18))
    assert outcome.ended.ending is Ending.LIMIT, outcome
    assert "bytes of files are written" in str(outcome.ended.detail)


def test_a_run_that_is_killed_leaves_nothing_in_shared_memory(skill: Any) -> None:
    code = f"{TRY}\nos.close(os.open('{FOLDER}/psm_0123abcd', NEW, 0o600))\nopen('../outside/secret').read()"
    outcome = skill.python(code, reaction=Reaction.KILL)
    assert outcome.ended.ending is Ending.VIOLATION
