"""A command that is stopped, or whose reader has gone, ends in an orderly way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Start = Callable[..., subprocess.Popen[str]]

PATIENCE_SECONDS = 20

PRESS_CTRL_C = """
import ctypes, signal, sys
from haldir_cli import main

EVENTS = {"os.mkdir", "open", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree", "ctypes.dlsym"}
steps = 0
writing = False

def press(event, args):
    global steps, writing
    if event not in EVENTS:
        return
    writing = writing or ".vault." in str(args[0])
    steps += writing
    if steps == int(sys.argv[1]):
        steps += 1
        signal.raise_signal(signal.SIGINT)

sys.addaudithook(press)
sys.exit(main(sys.argv[2:]))
"""
"""Runs the command line and presses Ctrl-C at one step of the writing of a vault, counted from 1."""


def _wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "it has ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C and return exit code and stderr."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, err


@pytest.fixture
def keys(tmp_path: Path, run: Run) -> Path:
    assert run("keygen", "--output", tmp_path, "--name", "publisher")[0] == 0
    return tmp_path


@pytest.fixture
def big_skill(tmp_path: Path) -> Path:
    """Return a skill of 20 MB of text in 400 files."""
    return _skill_of_parts(tmp_path / "big", "py", 700)


def _skill_of_parts(folder: Path, kind: str, lines: int) -> Path:
    """Return a skill of 400 files of one kind, of so many lines of 70 letters."""
    folder.mkdir()
    line = "for city in cities: print(city, weather(city).temperature)  # celsius\n"
    for number in range(400):
        (folder / f"part{number}.{kind}").write_text(line * lines, encoding="ascii")
    return folder


def test_ctrl_c_ends_a_vetting_and_removes_the_private_copy(
    start: Start, big_skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = start("vet", big_skill)
    _wait_until(lambda: any(temporary.glob("haldir-vet-*/*/part9*.py")), process)
    code, err = _stop(process)
    assert (code, list(temporary.iterdir())) == (130, [])
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see what the process does")
def test_ctrl_c_ends_a_signing_and_leaves_the_old_signature_valid(
    start: Start, run: Run, keys: Path, tmp_path: Path
) -> None:
    skill = tmp_path / "skill"
    skill.mkdir()
    for number in range(4):
        with (skill / f"data{number}").open("wb") as file:
            file.truncate(100 * 1024 * 1024)  # sparse: time to hash, no disk
    assert run("sign", skill, "--key", keys / "publisher.key")[0] == 0
    before = {path.name: path.read_bytes() for path in (skill / ".vault").iterdir()}
    process = start("sign", skill, "--key", keys / "publisher.key")
    _wait_until(lambda: _reads(process.pid, skill), process)
    code, err = _stop(process)
    assert (code, {path.name: path.read_bytes() for path in (skill / ".vault").iterdir()}) == (130, before)
    assert "Traceback" not in err
    assert run("verify", skill, "--key", keys / "publisher.pub", "--context", "runtime")[0] == 0


@pytest.mark.parametrize("command", ["sign", "cosign"])
def test_ctrl_c_at_any_step_of_the_writing_leaves_a_skill_that_verifies(
    run: Run, keys: Path, tmp_path: Path, command: str
) -> None:
    skill = tmp_path / "skill"
    skill.mkdir()
    (skill / "SKILL.md").write_text("hello\n", encoding="utf-8")
    assert run("keygen", "--output", tmp_path, "--name", "authority")[0] == 0
    assert run("sign", skill, "--key", keys / "publisher.key")[0] == 0
    signed = shutil.copytree(skill, tmp_path / "signed")
    options = {
        "sign": ["--key", "publisher.key"],
        "cosign": ["--key", "authority.key", "--trusted-key", "publisher.pub"],
    }
    codes = []
    for step in range(1, 60):
        shutil.rmtree(skill)
        shutil.copytree(signed, skill)
        line = [sys.executable, "-c", PRESS_CTRL_C, str(step), command, "skill", *options[command]]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        codes.append(done.returncode)
        assert "Traceback" not in done.stderr
        code, out, _ = run("verify", skill, "--key", keys / "publisher.pub", "--context", "runtime")
        assert code == 0, f"step {step}: {out}"
        if done.returncode == 0:
            break
    assert set(codes) <= {0, 130}
    assert codes.count(0) >= 1


def _reads(pid: int, folder: Path) -> bool:
    """Whether a process has a file of ``folder`` open."""
    opened = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            opened.append(link.readlink())
        except FileNotFoundError:
            continue  # closed meanwhile
    return any(folder in path.parents for path in opened)


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("inspect", "skill"), ("trust", "list", "--json"), ("vet", "skill", "--json")],
    ids=["version", "help", "inspect", "trust-list", "vet"],
)
def test_a_reader_that_has_gone_causes_no_traceback(
    start: Start, run: Run, keys: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "skill").mkdir()
    (tmp_path / "skill" / "SKILL.md").write_text("hello\n", encoding="utf-8")
    run("sign", tmp_path / "skill", "--key", keys / "publisher.key")
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err
    assert "Exception" not in err
    assert process.returncode in {1, 2}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("changed", [False, True], ids=["valid", "changed"])
def test_where_nobody_can_be_told_in_words_the_verdict_stands(
    run: Run, keys: Path, tmp_path: Path, *, changed: bool
) -> None:
    skill = tmp_path / "skill"
    skill.mkdir()
    assert run("sign", skill, "--key", keys / "publisher.key")[0] == 0
    if changed:
        (skill / "added").touch()
    command = [sys.executable, "-m", "haldir_cli", "verify", str(skill), "--context", "runtime"]
    command += ["--key", str(keys / "publisher.pub")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False, timeout=PATIENCE_SECONDS)
    assert (done.returncode, json.loads(done.stdout)["valid"]) == (int(changed), not changed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("--version",), ("trust", "list", "--json")], ids=["version", "trust-list"])
def test_a_full_disk_causes_no_traceback_and_no_success(start: Start, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(*arguments, stdout=full.fileno())
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err
    assert "Exception" not in err
    assert process.returncode == 2


def test_a_name_that_is_not_utf_8_is_shown_as_escape(start: Start, tmp_path: Path, keys: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/raw\xff"))
    process = start("verify", folder, "--key", keys / "publisher.pub")
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert "raw\\udcff" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_stopped_vetting_leaves_no_copy_of_the_skill(
    number: signal.Signals, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = tmp_path / "large"
    skill.mkdir()
    for index in range(3000):
        (skill / f"{index}.md").write_text("Say hello.\n" * 200, encoding="ascii")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = start("vet", skill)
    _wait_until(lambda: any(temporary.glob("*/*/*")), process)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []


def test_showing_the_completion_to_a_shell_is_no_failure(tmp_path: Path) -> None:
    script = f"{sys.executable} -m haldir_cli --show-completion; echo $?"
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    *completion, code = run.stdout.splitlines()
    assert code == "0"
    assert any("_haldir_completion" in line for line in completion)


def test_a_command_that_hangs_up_on_nobody_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skill = _skill_of_parts(tmp_path / "skill", "txt", 30)  # texts are not run
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, "-m", "haldir_cli", "vet", str(skill), "--json"]
    process = subprocess.Popen(
        ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    _wait_until(lambda: any(temporary.glob("haldir-vet-*/*/part9*.txt")), process)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=6 * PATIENCE_SECONDS)
    assert process.returncode in {0, 1, 3}, err
    assert json.loads(out)
