import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer.errors import PolicyError
from haldir_enforcer.policy import Policy, compile_policy, detect_profiles, explain, may_execute, may_read, may_write

INVISIBLE = "\u200b"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder / "tool", b"\x7fELF tool")
    return folder


def program(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def policy_for(
    place: Path,
    names: list[str],
    *,
    search: tuple[str, ...] = (),
    write: tuple[str, ...] = (),
    profiles: tuple[str, ...] = (),
) -> Policy:
    document = {"schema_version": "1.0", "declared": {"exec": names, "filesystem": {"write": list(write)}}}
    for name in ("skill", "home"):
        (place / name).mkdir(exist_ok=True)
    return compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()),
        place / "skill",
        home=place / "home",
        search_path=search,
        profiles=profiles,
    )


def test_a_program_is_found_once_by_real_path_and_digest(tmp_path: Path, bin_folder: Path) -> None:
    (bin_folder / "link").symlink_to("tool")
    policy = policy_for(tmp_path, ["link"], search=(str(bin_folder),))
    found = may_execute(policy, str(bin_folder / "tool"))
    assert found is not None
    assert (found.name, found.path, found.source) == ("link", bin_folder / "tool", "declared")
    assert found.digest == hashlib.sha256(b"\x7fELF tool").hexdigest()
    assert may_execute(policy, str(bin_folder / "link")) is None
    assert may_execute(policy, str(bin_folder / "other")) is None


def test_the_digest_follows_a_changed_program(tmp_path: Path, bin_folder: Path) -> None:
    first = policy_for(tmp_path, ["tool"], search=(str(bin_folder),)).programs[0].digest
    program(bin_folder / "tool", b"\x7fELF another")
    assert policy_for(tmp_path, ["tool"], search=(str(bin_folder),)).programs[0].digest != first


def test_the_first_folder_of_the_search_path_wins(tmp_path: Path, bin_folder: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    program(other / "tool", b"\x7fELF other")
    policy = policy_for(tmp_path, ["tool"], search=(str(other), str(bin_folder)))
    assert policy.programs[0].path == other / "tool"


def test_what_is_no_executable_file_is_noted_and_not_granted(tmp_path: Path, bin_folder: Path) -> None:
    (bin_folder / "folder").mkdir()
    (bin_folder / "text").write_text("x")
    (bin_folder / "dangling").symlink_to("nowhere")
    os.mkfifo(bin_folder / "pipe", 0o755)
    policy = policy_for(tmp_path, ["absent", "folder", "text", "dangling", "pipe"], search=(str(bin_folder),))
    assert policy.programs == ()
    assert len(policy.notes) == 5


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "**",
        "any",
        "git status",
        "git *",
        "g*t",
        "-x",
        "--help",
        "a;b",
        "$(x)",
        "`x`",
        "$HOME/x",
        "../tool",
        "bin/../x",
        "tool\n",
        "tool\0",
        f"to{INVISIBLE}ol",
        "a|b",
        "x" * 2000,
        "dir/",
        "~user/x",
        'a"b',
        "a'b",
        "a,b",
    ],
)
def test_what_is_no_program_is_refused_by_name(tmp_path: Path, bin_folder: Path, entry: str) -> None:
    with pytest.raises(PolicyError, match="exec") as caught:
        policy_for(tmp_path, [entry], search=(str(bin_folder),))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("folder", ["bin", "", ".", "~/bin", "/usr/bin:/bin", "/a\0b"])
def test_a_search_path_that_the_skill_could_choose_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(PolicyError, match="search path"):
        policy_for(tmp_path, [], search=(folder,))


def test_a_program_of_the_skill_is_named_by_its_relative_path(tmp_path: Path) -> None:
    (tmp_path / "skill" / "scripts").mkdir(parents=True)
    program(tmp_path / "skill" / "scripts" / "run", b"\x7fELF")
    policy = policy_for(tmp_path, ["./scripts/run"])
    assert may_execute(policy, str(tmp_path / "skill" / "scripts" / "run")) is not None


def test_a_link_of_the_skill_to_another_program_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    (tmp_path / "skill").mkdir()
    (tmp_path / "skill" / "run").symlink_to(bin_folder / "tool")
    with pytest.raises(PolicyError, match="out of the skill's folder"):
        policy_for(tmp_path, ["./run"])


def test_a_program_that_the_skill_may_rewrite_contradicts_itself(tmp_path: Path) -> None:
    (tmp_path / "skill" / "out").mkdir(parents=True)
    program(tmp_path / "skill" / "out" / "run", b"\x7fELF")
    with pytest.raises(PolicyError, match="contradict"):
        policy_for(tmp_path, ["out/run"], write=("out",))


def test_a_script_brings_its_interpreters_and_says_so(tmp_path: Path, bin_folder: Path) -> None:
    program(bin_folder / "inner", b"\x7fELF inner")
    program(bin_folder / "script", b"#!/usr/bin/env -S A=b inner --flag\n")
    policy = policy_for(tmp_path, ["script"], search=(str(bin_folder),))
    assert [each.path.name for each in policy.programs] == [
        "script",
        Path(os.path.realpath("/usr/bin/env")).name,
        "inner",
    ]
    assert {each.source for each in policy.programs} == {"declared", "interpreter of script"}
    assert sum("is a script" in note for note in policy.notes) == 2


def test_interpreters_that_lead_round_in_a_circle_end(tmp_path: Path, bin_folder: Path) -> None:
    program(bin_folder / "a", f"#!{bin_folder}/b\n".encode())
    program(bin_folder / "b", f"#!{bin_folder}/a\n".encode())
    policy = policy_for(tmp_path, ["a"], search=(str(bin_folder),))
    assert {each.path.name for each in policy.programs} == {"a", "b"}


def test_one_file_of_many_programs_is_noted(tmp_path: Path, bin_folder: Path) -> None:
    program(bin_folder / "busybox", b"\x7fELF")
    (bin_folder / "ls").symlink_to("busybox")
    assert any(
        "every program in that file" in note for note in policy_for(tmp_path, ["ls"], search=(str(bin_folder),)).notes
    )


def test_profiles_are_found_by_the_programs_and_their_interpreters(tmp_path: Path, bin_folder: Path) -> None:
    for name in ("python3.11", "node", "git", "bash"):
        program(bin_folder / name, b"\x7fELF")
    (bin_folder / "python3").symlink_to("python3.11")
    program(bin_folder / "cli", f"#!{bin_folder}/node\n".encode())
    names = detect_profiles(str(bin_folder / "python3"), ["git", "cli", "absent", "tool"], (str(bin_folder),))
    assert [name.replace(str(bin_folder), "") for name in names if name != "macos"] == [
        "base",
        "python:/python3",
        "git:/git",
        "node:/node",
    ]
    assert detect_profiles(str(bin_folder / "tool"), [], ())[0] == "base"


def test_no_profile_is_added_that_is_not_named(tmp_path: Path) -> None:
    policy = policy_for(tmp_path, [])
    assert {rule.source for rule in (*policy.read, *policy.write)} == {"skill"}
    assert may_read(policy, "/usr/lib/x") is None


@pytest.mark.parametrize("name", ["unknown", "python:/nowhere/python3", "base:/nowhere", "", "../base"])
def test_a_profile_that_is_not_known_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError, match="profile"):
        policy_for(tmp_path, [], profiles=(name,))


def test_the_base_profile_opens_nothing_of_a_person_or_another_process(tmp_path: Path) -> None:
    policy = policy_for(tmp_path, [], profiles=("base",))
    assert may_read(policy, "/proc/self/maps") is not None
    assert may_write(policy, "/dev/null") is not None
    closed = [
        "/etc/passwd",
        "/etc/hosts",
        "/etc/shadow",
        "/proc/1/maps",
        "/proc/self/mem",
        "/proc/self/environ",
        "/dev/tty",
    ]
    closed += [
        "/etc/resolv.conf",
        *(f"/{name}/x" for name in ("root", "home")),
        "/opt/x",
        "/var/log/x",
        "/usr/bin/id",
        "/proc/net/tcp",
        "/proc/mounts",
    ]
    assert [path for path in closed if may_read(policy, path) is not None] == []
    assert [
        path for path in [*closed, "/usr/lib/x", "/dev/urandom", "/etc/ld.so.cache"] if may_write(policy, path)
    ] == []


def _traced(argv: list[str]) -> list[str]:
    """Return the real paths of the files that a program opens."""
    run = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-e", "trace=open,openat", "-e", "status=successful", "-o", "/dev/fd/2", *argv],
        capture_output=True,
        check=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
    )
    return [
        line.rsplit("<", 1)[1].rstrip().rstrip(">") for line in run.stderr.splitlines() if "= " in line and "<" in line
    ]


@pytest.mark.skipif(not Path("/usr/bin/strace").exists(), reason="strace is not installed")
def test_what_a_python_opens_at_its_start_is_in_its_profile(tmp_path: Path) -> None:
    executable = sys.executable
    code = (
        "import ssl, sqlite3, zoneinfo, socket, attrs; ssl.create_default_context(); zoneinfo.ZoneInfo('Europe/Berlin')"
    )
    policy = policy_for(tmp_path, [], profiles=detect_profiles(executable, (), ()))
    opened = _traced([executable, "-c", code])
    assert len(opened) > 20
    # a folder of an editable installation and the current folder are the business of whoever runs
    missing = [path for path in opened if may_read(policy, path) is None and not may_write(policy, path)]
    assert [path for path in missing if not path.startswith((str(Path.cwd()), "/dev/tty", "/proc/"))] == []


def test_an_environment_inside_the_skill_opens_nothing_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "home" / "lib" / "python3.11"
    secret.mkdir(parents=True)
    environment = tmp_path / "skill" / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "lib").mkdir()
    (environment / "lib" / "python3.11").symlink_to(tmp_path / "home")
    (environment / "pyvenv.cfg").write_text(f"home = {tmp_path}/home/bin\n")
    for target in (None, sys.executable):
        executable = environment / "bin" / ("python" if target else "python3")
        if target:
            executable.symlink_to(os.path.realpath(target))
        else:
            program(executable, b"\x7fELF")
        policy = policy_for(tmp_path, [], profiles=detect_profiles(str(executable), (), ()))
        assert f"python:{executable}" in policy.profiles
        assert may_read(policy, str(secret / "x")) is None
        assert may_read(policy, str(tmp_path / "home" / "x")) is None
        assert may_read(policy, str(environment / "pyvenv.cfg")) is not None
        assert (may_read(policy, os.__file__) is not None) is (target is not None)


def test_a_library_folder_that_leads_to_a_home_folder_is_not_granted(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "prefix" / "bin").mkdir(parents=True)
    (tmp_path / "prefix" / "lib").mkdir()
    (tmp_path / "prefix" / "lib" / "python3.11").symlink_to(tmp_path)
    executable = program(tmp_path / "prefix" / "bin" / "python3.11", b"\x7fELF")
    policy = policy_for(tmp_path, [], profiles=(f"python:{executable}",))
    assert may_read(policy, str(tmp_path / "home" / "x")) is None
    assert may_read(policy, str(executable)) is not None


def test_explain_says_who_may_what_and_who_holds_it(tmp_path: Path, bin_folder: Path) -> None:
    text = explain(policy_for(tmp_path, ["tool"], search=(str(bin_folder),), profiles=("base",)))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    for words in (
        "may read:",
        "may write:",
        "may connect: nothing",
        "profiles: skill, base",
        "tool  sha256:",
        "declared; supervisor",
    ):
        assert words in text
