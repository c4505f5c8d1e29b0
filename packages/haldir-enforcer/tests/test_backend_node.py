import json
import os
import shutil
from pathlib import Path

import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer._backends.node import Node, flags, node_version
from haldir_enforcer.confinement import Ended, Launch, Level, Reaction
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import By
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import Policy, compile_policy, detect_profiles

NODE = shutil.which("node") or ""
needs_node = pytest.mark.skipif(not NODE, reason="node is not on PATH")
SPAWN = """
try { require('node:child_process').execFileSync('/bin/true'); console.log('open'); } catch { console.log('held'); }
"""


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def policy_for(skill: Path, *, node: bool = True, **declared: object) -> Policy:
    files = {"read": declared.pop("read", []), "write": declared.pop("write", [])}
    document = {"schema_version": "1.0", "declared": {"filesystem": files, **declared}}
    return compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()),
        skill,
        home=skill.parent / "home",
        search_path=("/usr/bin", "/bin"),
        profiles=detect_profiles(NODE, (), ()) if node and NODE else (),
    )


def ran(policy: Policy, code: str, *options: str, **environment: str) -> tuple[str, Ended]:
    """Return what a script prints in a Node with flags."""
    script = policy.root / "script.cjs"
    script.write_text(code)
    reading, writing = os.pipe()
    launch = Launch(
        policy=policy,
        argv=(NODE, *options, str(script)),
        cwd=str(policy.root),
        environment=environment,
        limits=Limits(timeout_seconds=60),
        reaction=Reaction.KILL,
        record=lambda _event: None,
        stdin=0,
        stdout=writing,
        stderr=2,
    )
    try:
        running = Node().start(launch)
    finally:
        os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    return text.strip(), running.wait(60)


@needs_node
def test_the_self_test_reaches_the_advisory_level_and_no_more() -> None:
    standing = Node().standing()
    assert standing.level is Level.L0
    assert (standing.enforced.fs_read, standing.enforced.net) == (By.ADVISORY, By.NONE)


def test_without_node_there_is_no_level(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    standing = Node().standing()
    assert (standing.level, standing.enforced.fs_read) == (Level.NONE, By.NONE)
    assert "install Node" in standing.missing[0]


@pytest.mark.parametrize(
    "text",
    [
        "echo v18.0.0",
        "echo nonsense",
        "exit 1",
        'case "$1" in --version) echo v20.1.0;; *) echo "{}";; esac',
        'case "$1" in --version) echo v20.1.0;; *) echo "[]";; esac',
        'case "$1" in --version) echo v20.1.0;; *) exit 9;; esac',
        'case "$1" in --version) echo v20.1.0;; *) echo \'{"fs_read":"open","fs_write":"held","exec":"held"}\';; esac',
    ],
)
def test_a_node_that_does_not_pass_the_self_test_has_no_level(tmp_path: Path, text: str) -> None:
    fake = tmp_path / "node"
    fake.write_text(f"#!/bin/sh\n{text}\n")
    fake.chmod(0o755)
    standing = Node(str(fake)).standing()
    assert (standing.level, standing.enforced.fs_read) == (Level.NONE, By.NONE)
    assert standing.missing


@needs_node
def test_a_script_reads_and_writes_what_is_declared(skill: Path) -> None:
    code = """const fs = require('node:fs');
    for (const act of [() => fs.readFileSync('%s'), () => fs.writeFileSync('%s', 'x')]) {
        try { act(); console.log('open'); } catch { console.log('held'); }
    }"""
    policy = policy_for(skill, write=["data"])
    (skill / "own").write_text("x")
    assert ran(policy, code % (skill / "own", skill / "data" / "x"))[0] == "open\nopen"
    assert ran(policy, code % (skill.parent / "secret.txt", skill / "own"))[0] == "held\nheld"


@needs_node
@pytest.mark.parametrize("name", ["x --allow-child-process", "x y", "x\t--allow-child-process", "x' \"y"])
def test_a_path_with_spaces_smuggles_no_flag(skill: Path, name: str) -> None:
    place = skill.parent / name
    place.mkdir()
    policy = policy_for(skill, read=[f"{skill.parent}/x*/**"])
    if "\t" in name:
        with pytest.raises(ConfinementError, match="control character"):
            ran(policy, SPAWN)
        return
    assert ran(policy, SPAWN)[0] == "held"


@needs_node
@pytest.mark.parametrize("name", ["a,b", "a*b", "a\nb"])
def test_a_path_that_node_would_read_otherwise_is_refused(skill: Path, name: str) -> None:
    (skill.parent / name).mkdir()
    policy = policy_for(skill, read=[f"{skill.parent}/a?b"])
    with pytest.raises(ConfinementError, match="reads in its own way"):
        flags(policy, (20, 20))


@needs_node
def test_variables_that_change_node_are_not_passed_on(skill: Path) -> None:
    text, _ = ran(policy_for(skill), SPAWN, NODE_OPTIONS="--allow-child-process", NODE_PATH="/x", GREETING="hi")
    assert text == "held"
    assert (
        ran(policy_for(skill), "console.log(process.env.GREETING, process.env.NODE_OPTIONS)", GREETING="hi")[0]
        == "hi undefined"
    )


@needs_node
@pytest.mark.parametrize("option", ["--allow-child-process", "-e", "--require=x", "--env-file=x", "-"])
def test_options_before_the_script_are_refused(skill: Path, option: str) -> None:
    with pytest.raises(ConfinementError, match="option"):
        ran(policy_for(skill), SPAWN, option)


@needs_node
def test_the_exit_code_is_relayed(skill: Path) -> None:
    assert ran(policy_for(skill), "process.exit(7)")[1].code == 7


def test_the_flag_has_the_name_that_the_version_knows(skill: Path) -> None:
    policy = policy_for(skill, node=False)
    names = {
        version: flags(policy, version)[0] for version in ((20, 20), (22, 12), (22, 13), (23, 4), (23, 5), (24, 0))
    }
    old, new = "--experimental-permission", "--permission"
    assert list(names.values()) == [old, old, new, old, new, new]


def test_programs_open_child_processes(skill: Path) -> None:
    assert "--allow-child-process" in flags(policy_for(skill, node=False, exec=["true"]), (20, 0))
    assert "--allow-child-process" not in flags(policy_for(skill, node=False), (20, 0))


def test_another_program_is_no_node(skill: Path) -> None:
    with pytest.raises(ConfinementError, match="no Node"):
        node_version("/bin/echo")
    with pytest.raises(ConfinementError, match="does not say"):
        node_version(str(skill / "absent"))
