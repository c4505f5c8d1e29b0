import json
import os
import sys
from pathlib import Path

import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer._backends.guest import Guest, GuestConfinement
from haldir_enforcer._backends.gvisor import gvisor, oci_config
from haldir_enforcer._backends.microvm import microvm, request
from haldir_enforcer._backends.tree import How, Mount, Tree
from haldir_enforcer.confinement import Ending, Launch, Level, Reaction
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import By, Event
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import compile_policy, detect_profiles

PYTHON = os.path.realpath(sys.executable)

# Stands in for runsc and for a microVM's launcher: keeps its calls, and runs the program without confining it, or
# answers the self-test as a confinement would that holds everything
FAKE = """#!{python} -IS
import json, os, subprocess, sys
with open({calls!r}, 'a') as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
if 'run' not in sys.argv:
    raise SystemExit(0)
bundle = [word[9:] for word in sys.argv if word.startswith('--bundle=')]
if bundle:
    document = json.load(open(bundle[0] + '/config.json'))
    argv, cwd = document['process']['args'], document['process']['cwd']
    environment = dict(word.split('=', 1) for word in document['process']['env'])
else:
    document = json.load(open(sys.argv[-1]))
    argv, cwd, environment = document['argv'], document['cwd'], document['environment']
if {tight!r}:
    print(json.dumps(dict.fromkeys(('fs_read', 'fs_write', 'net', 'processes', 'env'), 'held') | {{'ran': 'open'}}))
    raise SystemExit(3)
os.chdir(cwd)
os.execve(argv[0], argv, environment)
"""


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    (folder / "out").mkdir(parents=True)
    (folder / ".vault").mkdir()
    (tmp_path / "home").mkdir()
    return folder


def fake(tmp_path: Path, *, tight: bool) -> tuple[str, Path]:
    """Return a launcher, and the file that keeps its calls."""
    calls = tmp_path / "calls"
    path = tmp_path / "launcher"
    path.write_text(FAKE.format(python=PYTHON, calls=str(calls), tight=tight))
    path.chmod(0o755)
    return str(path), calls


def launch_of(skill: Path, argv: tuple[str, ...], *, network: object = "none", limits: Limits | None = None) -> Launch:
    document = {"schema_version": "1.0", "declared": {"filesystem": {"write": ["out"]}, "network": network}}
    policy = compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()),
        skill,
        home=skill.parent / "home",
        search_path=(),
        profiles=detect_profiles(PYTHON, (), ()),
    )
    events: list[Event] = []
    return Launch(
        policy=policy,
        argv=argv,
        cwd=str(skill),
        environment={"A": "x y", "B": "1=2"},
        limits=limits or Limits(),
        reaction=Reaction.KILL,
        record=events.append,
        stdin=0,
        stdout=1,
        stderr=2,
    )


def backends(launcher: str) -> list[GuestConfinement]:
    return [gvisor(launcher), microvm(launcher)]


def test_a_guest_that_holds_everything_reaches_the_highest_level(tmp_path: Path) -> None:
    for backend in backends(fake(tmp_path, tight=True)[0]):
        standing = backend.standing()
        assert (standing.backend, standing.level) == (backend.name, Level.L5)
        assert (standing.enforced.fs_read, standing.enforced.exec) == (By.KERNEL, By.NONE)


def test_a_guest_that_confines_nothing_reaches_no_level(tmp_path: Path) -> None:
    for backend in backends(fake(tmp_path, tight=False)[0]):
        standing = backend.standing()
        assert (standing.level, standing.enforced.fs_read) == (Level.NONE, By.NONE)
        assert "fs_write: the self-test got through" in standing.missing


def test_without_a_launcher_there_is_no_level_and_no_run(
    tmp_path: Path, skill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    for backend in (gvisor(), microvm(None)):
        assert backend.standing().level is Level.NONE
        assert backend.standing().missing[0].startswith(("runsc", "microvm"))
        with pytest.raises(ConfinementError, match="is not there"):
            backend.start(launch_of(skill, (PYTHON,)))


def test_hosts_are_refused(tmp_path: Path, skill: Path) -> None:
    launcher, calls = fake(tmp_path, tight=False)
    for backend in backends(launcher):
        with pytest.raises(ConfinementError, match="hosts"):
            backend.start(launch_of(skill, (PYTHON,), network=["example.com"]))
    assert not calls.exists()


def test_the_program_runs_with_its_arguments_and_nothing_is_left(tmp_path: Path, skill: Path) -> None:
    launcher, calls = fake(tmp_path, tight=False)
    code = (
        "import os, sys; open('out/x', 'w').write(repr((sys.argv[1:], os.environ['A'], os.environ['B']))); sys.exit(7)"
    )
    for backend in backends(launcher):
        ended = backend.start(launch_of(skill, (PYTHON, "-c", code, "a b", "--network=host"))).wait(20)
        assert (ended.ending, ended.code) == (Ending.EXITED, 7)
        assert (skill / "out" / "x").read_text() == "(['a b', '--network=host'], 'x y', '1=2')"
    words = [json.loads(line) for line in calls.read_text().splitlines()]
    assert ["run" in each for each in words] == [True, False, True, False]
    assert "--network=none" in words[0]
    assert ("delete" in words[1], "remove" in words[3]) == (True, True)
    bundle = next(word for word in words[0] if word.startswith("--bundle="))[9:]
    assert not Path(bundle).exists()
    assert not Path(words[2][1]).exists()


def test_a_guest_that_takes_too_long_is_removed(tmp_path: Path, skill: Path) -> None:
    launcher, calls = fake(tmp_path, tight=False)
    for backend in backends(launcher):
        running = backend.start(
            launch_of(skill, (PYTHON, "-c", "import time; time.sleep(60)"), limits=Limits(timeout_seconds=0.5))
        )
        assert running.wait(20).ending is Ending.LIMIT
    assert sum("delete" in line or "remove" in line for line in calls.read_text().splitlines()) == 2


TREE = Tree(
    (Mount("/a", How.READ), Mount("/a/w", How.WRITE), Mount("/a/d", How.HIDDEN_FOLDER), Mount("/a/f", How.HIDDEN_FILE)),
    (("/bin", "usr/bin"),),
)


def test_an_oci_bundle_mounts_what_is_granted_and_takes_every_right_away(tmp_path: Path, skill: Path) -> None:
    launch = launch_of(skill, (PYTHON, "a,b"), limits=Limits(memory_mb=10, processes=None))
    config = json.loads(json.dumps(oci_config(Guest(name="g", launch=launch, tree=TREE, bundle=tmp_path))))
    assert config["process"]["args"] == [PYTHON, "a,b"]
    assert config["process"]["env"] == ["A=x y", "B=1=2"]
    assert config["process"]["noNewPrivileges"]
    assert not any(config["process"]["capabilities"].values())
    assert config["root"]["readonly"]
    assert {each["type"] for each in config["linux"]["namespaces"]} >= {"network", "pid", "mount"}
    assert config["linux"]["resources"] == {"memory": {"limit": 10_000_000}}
    mounts = {each["destination"]: (each["source"], each["options"][:2]) for each in config["mounts"][2:]}
    assert mounts == {
        "/a": ("/a", ["bind", "ro"]),
        "/a/w": ("/a/w", ["bind", "rw"]),
        "/a/d": ("tmpfs", ["ro", "nosuid"]),
        "/a/f": ("/dev/null", ["bind", "ro"]),
    }


def test_a_request_to_a_machine_names_every_share(tmp_path: Path, skill: Path) -> None:
    document = request(Guest(name="g", launch=launch_of(skill, (PYTHON,)), tree=TREE, bundle=tmp_path))
    assert json.loads(json.dumps(document)) == document
    assert document["network"] == "none"
    assert document["shares"] == [
        {"path": "/a", "access": "read"},
        {"path": "/a/w", "access": "write"},
        {"path": "/a/d", "access": "hidden"},
        {"path": "/a/f", "access": "hidden"},
    ]
    assert document["links"] == [{"path": "/bin", "target": "usr/bin"}]
