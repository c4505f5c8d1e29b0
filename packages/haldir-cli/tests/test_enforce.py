import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from haldir_cli import main
from haldir_core import read_skill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., Path]
Start = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 60
FOREVER = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(1)"


@pytest.fixture(autouse=True)
def _offline() -> None:
    """Stand in for the fixture that refuses processes: these tests start some."""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the private copies; nothing is left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def plain(work: Path) -> Make:
    """Make a skill with unsigned permissions."""

    def make(declared: Mapping[str, Any] | None = None, document: str | None = None, **files: str) -> Path:
        folder = work / "skill"
        (folder / ".vault").mkdir(parents=True)
        (folder / "SKILL.md").write_text("Say how the weather is.\n")
        text = json.dumps({"schema_version": "1.0", "declared": declared or {}}) if document is None else document
        (folder / ".vault" / "permissions.json").write_text(text)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(content)
        return folder

    return make


@pytest.fixture
def enforce(run: Run) -> Run:
    """Run a program of an unsigned skill."""
    return lambda skill, *words: run("enforce", skill, "--no-verify", *words)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the program in a process of its own."""
    with contextlib.ExitStack() as stack:

        def call(*words: str | Path, **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401 - those of Popen
            streams: dict[str, Any] = {**dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE), **options}
            command = [sys.executable, "-m", "haldir_cli", *map(str, words)]
            process: subprocess.Popen[bytes] = subprocess.Popen(command, **streams)
            stack.enter_context(process)  # it closes the pipes
            stack.callback(process.kill)
            return process

        yield call


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# exit codes


@pytest.mark.parametrize("code", [0, 1, 2, 7, 124, 255])
def test_the_programs_own_code_is_the_exit_code(enforce: Run, plain: Make, code: int) -> None:
    assert enforce(plain(), "--", "sh", "-c", f"exit {code}") == (code, "", "")


def test_a_program_that_a_signal_ended_has_its_number_and_128(enforce: Run, plain: Make) -> None:
    assert enforce(plain(), "--", "sh", "-c", "kill -9 $$")[0] == 137


def test_a_limit_is_124(enforce: Run, plain: Make) -> None:
    code, out, err = enforce(plain(), "--limits", '{"timeout_seconds": 0.2}', "--", "sleep", "60")
    assert (code, out) == (124, "")
    assert "haldir: the program was killed: 0.2 seconds have passed" in err


def test_a_violation_is_126_and_says_what(enforce: Run, plain: Make, work: Path) -> None:
    (work / "secret").write_text("SECRET")
    code, out, err = enforce(plain(), "--", "cat", work / "secret")
    assert (code, out) == (126, "")
    assert err.splitlines() == [
        f"violation: fs.read {work / 'secret'}: deny",
        "haldir: the program was killed, because it went beyond its permissions",
    ]


def test_arguments_that_are_not_kept_are_counted_wherever_they_are_told(enforce: Run, plain: Make, work: Path) -> None:
    words = " ".join(["-x"] * 99 + ["y" * 2000])
    records = ("--report", "report.json", "--audit-log", "audit.jsonl")
    code, _, err = enforce(plain(), *records, "--", "sh", "-c", f"exec /usr/bin/id {'z' * 2000} {words}")
    assert code == 126
    assert "... and 38 more arguments): deny" in err
    (told,) = json.loads((work / "report.json").read_text())["violations"]
    assert (len(told["argv"]), told["left_out"]) == (64, {"arguments": 38, "characters": [[1, 976]]})
    argv = [json.loads(line)["argv"] for line in (work / "audit.jsonl").read_text().splitlines()]
    assert ["/usr/bin/id", "z" * 1024 + "\\+976", *["-x"] * 62, "\\+38"] in argv


def test_a_script_of_the_skill_is_started_by_its_path(enforce: Run, plain: Make) -> None:
    skill = plain(main="#!/usr/bin/env python3\nimport sys\nprint('rain', sys.argv[1])\n")
    (skill / "main").chmod(0o755)
    for name in ("./main", skill / "main"):
        assert enforce(skill, "--", name, "Ypres") == (0, "rain Ypres\n", "")


def test_a_missing_program_is_125(enforce: Run, plain: Make) -> None:
    code, out, err = enforce(plain(), "--", "no-such-program")
    assert (code, out) == (125, "")
    assert err.startswith("haldir: refused, nothing was run: 'no-such-program' is not there")


def test_a_missing_interpreter_is_125(enforce: Run, plain: Make) -> None:
    skill = plain(main="#!/no/such/interpreter\n")
    (skill / "main").chmod(0o755)
    code, _, err = enforce(skill, "--", "./main")
    assert code == 125
    assert "/no/such/interpreter" in err or "./main" in err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--no-such-option"],
        ["--require", "L9"],
        ["--limits"],
        ["--require", "L2", "--require"],
    ],
)
def test_a_wrong_command_line_is_125_as_any_refusal(run: Run, plain: Make, words: list[str]) -> None:
    skill = [plain()] if words else []
    code, out, err = run("enforce", *skill, *words)
    assert (code, out) == (125, "")
    assert "haldir: refused, nothing was run: " in err
    assert "Try 'haldir enforce --help' for help." in err


def test_help_is_no_refusal(run: Run) -> None:
    code, out, _ = run("enforce", "--help")
    assert code == 0
    assert "125" in out


@pytest.mark.parametrize("skill", ["", "nowhere", "file"])
def test_a_skill_that_cannot_be_read_is_125(run: Run, work: Path, skill: str) -> None:
    (work / "file").touch()
    code, _, err = run("enforce", skill, "--no-verify", "--", "true")
    assert code == 125
    assert "refused, nothing was run" in err


def test_a_nul_in_an_argument_is_refused_in_words(enforce: Run, plain: Make) -> None:
    code, out, err = enforce(plain(), "--", "echo", "a\0b")
    assert (code, out) == (2, "")
    assert "NUL" in err


def test_arguments_of_the_program_are_not_taken_for_options(enforce: Run, plain: Make) -> None:
    assert enforce(plain(), "--", "echo", "--json", "--", "-x", "")[:2] == (0, "--json -- -x \n")


# streams


def test_bytes_pass_in_both_directions_untouched(start: Start, plain: Make) -> None:
    data = os.urandom(2_000_000)
    process = start("enforce", plain(), "--no-verify", "--", "cat")
    assert process.communicate(data, PATIENCE_SECONDS) == (data, b"")
    assert process.returncode == 0


def test_a_dialogue_over_the_streams_waits_for_nothing(start: Start, plain: Make) -> None:
    skill = plain(main__py="import sys\nfor line in sys.stdin: print(line[::-1].strip(), flush=True)\n")
    process = start("enforce", skill, "--no-verify", "--", "python3", "main.py")
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(50):
        process.stdin.write(f"1{number}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().strip() == f"1{number}"[::-1].encode()
    process.stdin.close()
    assert process.wait(PATIENCE_SECONDS) == 0


def test_standard_error_is_the_programs_own(start: Start, plain: Make) -> None:
    process = start("enforce", plain(), "--no-verify", "--", "sh", "-c", r"printf '\377\000' >&2; exit 3")
    assert process.communicate(timeout=PATIENCE_SECONDS) == (b"", b"\xff\0")
    assert process.returncode == 3


def test_a_reader_that_has_gone_ends_the_program(start: Start, plain: Make) -> None:
    process = start("enforce", plain(), "--no-verify", "--", "yes")
    assert process.stdout is not None
    assert process.stdout.read(4) == b"y\ny\n"
    process.stdout.close()
    assert process.wait(PATIENCE_SECONDS) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_closed_stream_is_closed_for_the_program_and_no_file_of_ours_takes_its_place(
    start: Start, plain: Make, work: Path, number: int
) -> None:
    look = "import os, sys\nos.write(int(sys.argv[2]), os.readlink('/proc/self/fd/' + sys.argv[1]).encode())"
    skill = plain(main__py=look)
    process = start(
        *("enforce", skill, "--no-verify", "--audit-log", work / "log", "--", "python3", "main.py"),
        *(str(number), "2" if number == 1 else "1"),
        preexec_fn=lambda: os.close(number),
        **{("stdin", "stdout", "stderr")[number]: None},
    )
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err if number == 1 else out) == (0, b"/dev/null")


@pytest.mark.parametrize(
    ("number", "attempt"), [(0, "os.read(0, 1)"), (1, "os.write(1, b'x')"), (2, "os.write(2, b'x')")]
)
def test_what_is_done_with_a_closed_stream_fails_as_ever(start: Start, plain: Make, number: int, attempt: str) -> None:
    skill = plain(main__py=f"import os, sys\ntry: {attempt}\nexcept OSError as error: os._exit(error.errno)")
    process = start(
        *("enforce", skill, "--no-verify", "--", "python3", "main.py"),
        preexec_fn=lambda: os.close(number),
        **{("stdin", "stdout", "stderr")[number]: None},
    )
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 9  # EBADF


def test_nothing_of_ours_is_open_in_the_program(start: Start, plain: Make, work: Path) -> None:
    process = start(
        *("enforce", plain(), "--no-verify", "--audit-log", work / "log", "--report", work / "report"),
        *("--", "python3", "-c", "import os\nprint(sorted(map(int, os.listdir('/proc/self/fd')))[:4])"),
    )
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert out == b"[0, 1, 2, 3]\n"  # 3 is the listing itself


# signals


def _await_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def test_a_signal_for_the_command_is_one_for_the_program(start: Start, plain: Make, number: signal.Signals) -> None:
    answer = "import signal, sys\nsignal.signal(int(sys.argv[1]), lambda n, _: sys.exit(100 + n))\n"
    skill = plain(main__py=answer + FOREVER)
    process = start("enforce", skill, "--no-verify", "--", "python3", "main.py", str(number.value))
    _await_ready(process)
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 100 + number


def test_an_unanswered_signal_ends_the_program(start: Start, plain: Make) -> None:
    process = start("enforce", plain(main__py=FOREVER), "--no-verify", "--", "python3", "main.py")
    _await_ready(process)
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM


def test_a_second_signal_reaches_the_program_too(start: Start, plain: Make) -> None:
    answer = """
import os, signal
seen = []
def answer(number, _):
    seen.append(number)
    os.write(1, b'ready\\n')
    if len(seen) == 2:
        os._exit(50)
signal.signal(signal.SIGINT, answer)
"""
    process = start("enforce", plain(main__py=answer + FOREVER), "--no-verify", "--", "python3", "main.py")
    _await_ready(process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        _await_ready(process)
    assert process.wait(PATIENCE_SECONDS) == 50


def test_a_signal_that_the_caller_ignores_is_not_passed_on(start: Start, plain: Make) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    answer = (
        "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(15))\nsignal.signal(2, lambda *_: sys.exit(2))\n"
    )
    skill = plain(main__py=answer + FOREVER)
    process = start("enforce", skill, "--no-verify", "--", "python3", "main.py", preexec_fn=ignore)
    _await_ready(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 15


def test_nothing_outlives_a_command_that_was_killed(start: Start, plain: Make, temporary: Path) -> None:
    stubborn = "import signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n" + FOREVER
    process = start("enforce", plain(main__py=stubborn), "--no-verify", "--", "python3", "main.py")
    _await_ready(process)
    process.kill()
    assert process.stdout is not None
    assert process.stdout.read() == b""  # nobody holds the other end any more
    for left in temporary.iterdir():
        subprocess.run(["rm", "-r", left], check=True)


def test_a_slow_reader_of_limited_output_can_be_left_with_ctrl_c(start: Start, plain: Make) -> None:
    process = start(
        *("enforce", plain(), "--no-verify", "--limits", '{"output_mb": 1}'),
        *("--", "python3", "-c", "import os\nos.write(1, b'x' * 150000)\nos.write(2, b'done')"),
    )
    assert process.stderr is not None
    assert process.stderr.read(4) == b"done"
    for _ in range(PATIENCE_SECONDS * 20):  # until the program has ended, it is the one that gets them
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A shell calls both 130: the latter is of a signal that comes while the interpreter is ending.
            assert process.wait(0.05) in {130, -signal.SIGINT}
            break
    assert process.poll() is not None


def test_from_a_thread_a_run_works_without_relaying_signals(enforce: Run, plain: Make) -> None:
    skill = plain()
    codes: list[int] = []
    words = ["enforce", str(skill), "--no-verify", "--", "sh", "-c", "exit 4"]
    thread = threading.Thread(target=lambda: codes.append(main(words)))
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert codes == [4]


def test_the_handlers_of_signals_are_afterwards_what_they_were(enforce: Run, plain: Make) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    enforce(plain(), "--", "true")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)] == before


# reports


def test_json_captures_and_prints_the_report(enforce: Run, plain: Make) -> None:
    code, out, err = enforce(plain(), "--json", "--", "sh", "-c", "echo rain; printf '\\377' >&2; exit 3")
    report = json.loads(out)
    assert (code, err) == (3, "")
    assert (report["exit_code"], report["ending"], report["violations"]) == (3, "exited", [])
    assert (report["stdout"], report["stderr"]) == ("rain\n", "�")
    assert report["level"] in {"L2", "L3", "L4"}
    assert report["enforced"]["fs_read"] == "kernel"
    assert report["verified"] is False


def test_json_reads_what_is_given(start: Start, plain: Make) -> None:
    process = start("enforce", plain(), "--no-verify", "--json", "--", "cat")
    out, _ = process.communicate(b"rain", PATIENCE_SECONDS)
    assert json.loads(out)["stdout"] == "rain"


def test_a_report_goes_to_its_file_and_the_streams_stay_untouched(enforce: Run, plain: Make, work: Path) -> None:
    (work / "secret").touch()
    code, out, _ = enforce(plain(), "--report", "report.json", "--", "sh", "-c", f"echo rain; read a < {work}/secret")
    report = json.loads((work / "report.json").read_text())
    assert (code, out) == (126, "rain\n")
    assert (report["exit_code"], report["ending"], report["code"]) == (126, "violation", 137)
    assert [(each["action"], each["path"]) for each in report["violations"]] == [("fs.read", str(work / "secret"))]
    assert "stdout" not in report


def test_a_limit_is_in_the_report(enforce: Run, plain: Make) -> None:
    code, out, _ = enforce(plain(), "--json", "--limits", '{"output_mb": 1}', "--", "yes")
    report = json.loads(out)
    assert (code, report["exit_code"], report["ending"]) == (124, 124, "limit")
    assert report["dropped_bytes"] > 0
    assert report["violations"][0]["action"] == "limit.output"


def test_a_level_that_is_not_reached_is_125_with_a_report(enforce: Run, plain: Make, work: Path) -> None:
    code, out, err = enforce(plain(), "--require", "L5", "--report", "report.json", "--json", "--", "true")
    report = json.loads(out)
    assert code == 125
    assert "L5 is required" in err
    assert report == json.loads((work / "report.json").read_text())
    assert (report["exit_code"], report["ending"], report["violations"]) == (125, "refused", [])
    assert report["level"] in {"L2", "L3", "L4"}
    assert report["enforced"]["exec"] == "kernel"


@pytest.mark.parametrize("place", ["/dev/full", "nowhere/report.json", ".", "/dev/null"])
def test_a_report_that_cannot_be_written_lets_nothing_run(enforce: Run, plain: Make, work: Path, place: str) -> None:
    skill = plain({"filesystem": {"write": [str(work / "out")]}})
    (work / "out").mkdir()
    code, _, err = enforce(skill, "--report", place, "--", "sh", "-c", f"echo > {work}/out/ran")
    assert code == 125
    assert "the report is lost" in err
    assert list((work / "out").iterdir()) == []


def test_a_report_that_is_lost_at_the_end_is_not_passed_over(enforce: Run, plain: Make, work: Path) -> None:
    (work / "place").mkdir()
    skill = plain({"filesystem": {"write": [str(work / "place")]}})
    code, _, err = enforce(skill, "--report", "place/report.json", "--", "sh", "-c", "mkdir ../place 2>&-; exit 0")
    assert code in {0, 126}
    code, _, err = enforce(
        skill, "--report", "place/r", "--", "python3", "-c", f"import os; os.mkdir('{work}/place/r')"
    )
    assert code == 125
    assert "the report is lost: cannot write" in err


@pytest.mark.parametrize("way", ["r", "deep/r"])
def test_a_report_replaces_a_link_that_the_program_put_there(enforce: Run, plain: Make, work: Path, way: str) -> None:
    (work / "place" / "deep").mkdir(parents=True)
    (work / "victim").mkdir()
    (work / "victim" / "r").write_text("mine\n")
    skill = plain({"filesystem": {"write": [str(work / "place")]}})
    plant = (
        f"import os; os.chdir('{work}/place'); os.symlink('../victim/r', 'r')\n"
        "os.rename('deep', 'old'); os.symlink('../victim', 'deep')"
    )
    code, _, _ = enforce(skill, "--report", f"place/{way}", "--", "python3", "-c", plant)
    assert code == 0
    assert (work / "victim" / "r").read_text() == "mine\n"
    written = work / "place" / way.replace("deep", "old")
    assert json.loads(written.read_text())["exit_code"] == 0


def test_an_audit_log_where_the_program_may_write_lets_nothing_run(enforce: Run, plain: Make, work: Path) -> None:
    (work / "place").mkdir()
    skill = plain({"filesystem": {"write": [str(work / "place")]}})
    code, out, err = enforce(skill, "--audit-log", "place/audit.log", "--", "echo", "rain")
    assert (code, out) == (125, "")
    assert "lies where the skill may write" in err


def test_a_full_standard_output_loses_the_report_and_says_so(start: Start, plain: Make) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("enforce", plain(), "--no-verify", "--json", "--", "true", stdout=full)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (125, b"haldir: the report is lost: No space left on device\n")


def test_a_full_standard_error_changes_nothing(start: Start, plain: Make, work: Path) -> None:
    (work / "secret").touch()
    with Path("/dev/full").open("wb") as full:
        process = start("enforce", plain(), "--no-verify", "--", "cat", work / "secret", stderr=full)
        assert process.wait(PATIENCE_SECONDS) == 126


def test_what_a_skill_calls_its_files_is_shown_without_control_characters(enforce: Run, plain: Make) -> None:
    skill = plain({"filesystem": {"write": ["out"]}})
    code = "open('out/\\x1b[2J\\n\\u202e', 'w'); open('/etc/\\x1b]0;x\\x07', 'w')"
    status, out, err = enforce(skill, "--json", "--", "python3", "-c", code)
    assert status == 126
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert "\u202e" not in out
    assert json.loads(out)["written"] == ["out/\x1b[2J\n\u202e"]


def test_a_program_cannot_print_a_report_into_its_report(enforce: Run, plain: Make) -> None:
    fake = '"}, "violations": [], "exit_code": 0, "x": {"y": "'
    code, out, _ = enforce(plain(), "--json", "--", "sh", "-c", f"echo '{fake}'; exit 5")
    report = json.loads(out)
    assert (code, report["exit_code"], report["stdout"]) == (5, 5, f"{fake}\n")


# limits


@pytest.mark.parametrize("name", ["timeout_seconds", "processes", "memory_mb", "disk_mb", "output_mb"])
def test_a_wrong_limit_is_125_and_named(enforce: Run, plain: Make, name: str) -> None:
    code, _, err = enforce(plain(), "--limits", f'{{"{name}": "many"}}', "--", "true")
    assert code == 125
    assert f"--limits: {name} must be above 0" in err


@pytest.mark.parametrize(
    ("limits", "program", "detail"),
    [
        ('{"processes": 3}', "import os, time\nfor n in range(9): os.fork()\ntime.sleep(60)", "processes"),
        ('{"memory_mb": 60}', "kept = [bytearray(1_000_000) for n in range(300)]\nimport time; time.sleep(60)", "MB"),
        (
            '{"disk_mb": 1}',
            "import time\nfor n in range(50): open(f'out/{n}', 'wb').write(b'x' * 100_000); time.sleep(0.02)",
            "MB",
        ),
        ('{"output_mb": 1}', "while True: print('x' * 1000)", "output"),
    ],
    ids=["processes", "memory", "disk", "output"],
)
def test_each_limit_ends_the_run(enforce: Run, plain: Make, limits: str, program: str, detail: str) -> None:
    skill = plain({"filesystem": {"write": ["out"]}})
    code, _, err = enforce(skill, "--limits", limits, "--", "python3", "-c", program)
    assert code == 124
    assert detail in err


# verification


@pytest.fixture
def trusting(run: Run, keys: Path, make_list: Callable[..., Path]) -> Run:
    """Run a program of a signed skill, with keys and a revocation list of today."""
    listed = make_list()

    def call(skill: Path, *words: str | Path) -> tuple[int, str, str]:
        trusted = ("--key", keys / "publisher.pub", "--revocation-key", keys / "revoker.pub")
        options = () if "--revocation" in words else ("--revocation", listed)
        return run("enforce", skill, *trusted, *options, *words)

    return call


def test_a_valid_skill_runs_and_the_report_says_that_it_was_verified(trusting: Run, signed: Path) -> None:
    code, out, err = trusting(signed, "--json", "--", "python3", "scripts/run.py")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["verified"], report["skill"], report["stdout"]) == (True, "weather@1.2.3", "rain\n")


def test_a_changed_skill_does_not_run(trusting: Run, signed: Path) -> None:
    (signed / "scripts" / "run.py").write_text("print('snow')\n")
    code, out, err = trusting(signed, "--", "python3", "scripts/run.py")
    assert (code, out) == (125, "")
    assert "the skill is not valid" in err


def test_changed_permissions_do_not_run(trusting: Run, signed: Path) -> None:
    more = {"schema_version": "1.0", "declared": {"exec": ["sh"]}}
    (signed / ".vault" / "permissions.json").write_text(json.dumps(more))
    assert trusting(signed, "--", "true")[0] == 125


def test_a_revoked_skill_does_not_run(trusting: Run, signed: Path, make_list: Callable[..., Path]) -> None:
    listed = make_list("weather@1.2.3", name="revoked.json", sequence=2)
    code, _, err = trusting(signed, "--revocation", listed, "--", "true")
    assert code == 125
    assert "revoked" in err


def test_a_revocation_once_seen_is_not_forgotten(trusting: Run, signed: Path, make_list: Callable[..., Path]) -> None:
    listed = make_list("weather@1.2.3", name="revoked.json", sequence=2)
    assert trusting(signed, "--revocation", listed, "--", "true")[0] == 125
    assert trusting(signed, "--", "true")[0] == 125


def test_a_strangers_key_does_not_count(run: Run, signed: Path, keys: Path) -> None:
    code, _, err = run("enforce", signed, "--key", keys / "stranger.pub", "--", "true")
    assert code == 125
    assert "the skill is not valid" in err


def test_with_nothing_trusted_nothing_runs(run: Run, signed: Path) -> None:
    code, _, err = run("enforce", signed, "--", "true")
    assert code == 125
    assert "nothing is trusted" in err


def test_an_unsigned_skill_does_not_run_unless_that_is_said(trusting: Run, enforce: Run, skill: Path) -> None:
    assert trusting(skill, "--", "true")[0] == 125
    assert enforce(skill, "--", "true")[0] == 0


def test_a_missing_list_is_told_at_runtime(run: Run, signed: Path, keys: Path) -> None:
    code, out, err = run("enforce", signed, "--key", keys / "publisher.pub", "--", "python3", "scripts/run.py")
    assert (code, out) == (0, "rain\n")
    assert "Note: " in err


def test_what_was_signed_decides_what_is_allowed(run: Run, trusting: Run, skill: Path, keys: Path, work: Path) -> None:
    declared = {"exec": ["ls"], "filesystem": {"read": [str(work / "data")]}}
    (work / "data").mkdir()
    (work / "data" / "today").touch()
    (work / "permissions.json").write_text(json.dumps({"schema_version": "1.0", "declared": declared}))
    code = run("sign", skill, "--key", keys / "publisher.key", "--permissions", "permissions.json")[0]
    assert code == 0
    listing = f"import subprocess; subprocess.run(['ls', '{work}/data'])"
    assert trusting(skill, "--", "python3", "-c", listing)[:2] == (0, "today\n")
    assert trusting(skill, "--", "python3", "-c", "import subprocess; subprocess.run(['cat', 'SKILL.md'])")[0] == 126


def test_a_skill_with_links_is_refused_with_and_without_verification(trusting: Run, enforce: Run, signed: Path) -> None:
    (signed / "passwords").symlink_to("/etc/passwd")
    for call in (trusting, enforce):
        code, out, err = call(signed, "--", "cat", "passwords")
        assert (code, out) == (125, "")
        assert "passwords" in err


# the log


def test_the_log_says_whether_the_skill_was_verified(trusting: Run, enforce: Run, signed: Path, work: Path) -> None:
    trusting(signed, "--audit-log", "log", "--", "true")
    enforce(signed, "--audit-log", "log", "--", "true")
    lines = [json.loads(line) for line in (work / "log").read_text().splitlines()]
    loaded = [line["detail"] for line in lines if line["action"] == "policy.loaded"]
    assert [detail.split(", sha256:")[0] for detail in loaded] == [
        "signed permissions, verified",
        "unsigned permissions, not verified",
    ]
    assert {line["skill"] for line in lines} == {"weather@1.2.3", "weather"}


def test_a_log_that_cannot_be_written_is_125_and_nothing_runs(enforce: Run, plain: Make, work: Path) -> None:
    (work / "open").touch(mode=0o666)
    (work / "open").chmod(0o666)
    for place in ("/dev/full", "nowhere/log", ".", "open"):
        code, out, err = enforce(
            plain() if place == "/dev/full" else work / "skill", "--audit-log", place, "--", "echo"
        )
        assert (code, out) == (125, "")
        assert "refused, nothing was run: audit log" in err


def test_a_disk_that_fills_up_ends_the_run_with_a_report(start: Start, plain: Make, work: Path) -> None:
    import resource  # noqa: PLC0415 - there is none elsewhere

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    skill = plain({"filesystem": {"write": ["out"]}})
    busy = "import itertools\nfor n in itertools.count(): open(f'out/{n}', 'w').close()"
    process = start(
        *("enforce", skill, "--no-verify", "--json", "--audit-log", work / "log", "--", "python3", "-c", busy),
        preexec_fn=fill,
    )
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    report = json.loads(out)
    assert (process.returncode, report["exit_code"], report["ending"]) == (125, 125, "failed")
    assert "could not be recorded" in report["detail"]
    assert b"could not be held any longer" in err
    assert b"nothing was run" not in err


def test_a_log_key_that_others_could_have_written_is_refused(enforce: Run, plain: Make, home: Path) -> None:
    skill = plain()
    assert enforce(skill, "--audit-log", "log", "--", "true")[0] == 0
    (home / "audit-log.key").chmod(0o622)
    code, _, err = enforce(skill, "--audit-log", "log", "--", "true")
    assert code == 125
    assert "others could have written" in err


def test_without_a_log_no_key_is_made(enforce: Run, plain: Make, home: Path) -> None:
    enforce(plain(), "--", "true")
    assert not home.exists()


def test_an_alert_command_gets_each_violation_as_json(enforce: Run, plain: Make, work: Path) -> None:
    (work / "tell.sh").write_text(f"cat >> {work}/told\n")
    (work / "secret").touch()
    skill = plain()
    alert = f"sh '{work}/tell.sh'"
    assert enforce(skill, "--alert-command", alert, "--", "cat", work / "secret")[0] == 126
    told = json.loads((work / "told").read_text())
    assert (told["action"], told["path"], told["class"]) == ("fs.read", str(work / "secret"), "violation")


def test_an_alert_command_that_fails_changes_nothing_and_is_told(enforce: Run, plain: Make, work: Path) -> None:
    (work / "secret").touch()
    code, _, err = enforce(plain(), "--alert-command", "/no/such/program", "--", "cat", work / "secret")
    assert code == 126
    assert "an alert could not be told: command /no/such/program" in err


@pytest.mark.parametrize("command", ["", "'open"])
def test_a_wrong_alert_command_is_refused(enforce: Run, plain: Make, command: str) -> None:
    code, _, err = enforce(plain(), "--alert-command", command, "--", "true")
    assert code == 125
    assert "--alert-command" in err


# what runs, and where


def test_the_program_runs_in_the_copy_and_the_skill_stays_as_it_is(enforce: Run, plain: Make, work: Path) -> None:
    skill = plain({"filesystem": {"write": ["out", "notes.txt"]}}, notes__txt="old\n")
    before = _tree(skill)
    code, out, _ = enforce(
        *(skill, "--report", "report.json", "--"),
        *("sh", "-c", "echo new >> notes.txt; read a < notes.txt; echo $a $PWD; echo 1 > out/a"),
    )
    folder = out.split()[1]
    assert (code, out.split()[0]) == (0, "old")
    assert json.loads((work / "report.json").read_text())["written"] == ["notes.txt", "out/a"]
    assert _tree(skill) == before
    assert folder != str(skill)
    assert not Path(folder).exists()


def test_a_relative_path_is_one_in_the_copy(enforce: Run, plain: Make) -> None:
    skill = plain(main="#!/bin/sh\necho rain\n")
    (skill / "main").chmod(0o755)
    assert enforce(skill, "--", "./main")[:2] == (0, "rain\n")


def test_the_vault_is_not_there_for_the_program(enforce: Run, plain: Make) -> None:
    assert enforce(plain(), "--json", "--", "python3", "-c", "import os; print(os.listdir('.'))")[0] == 0
    assert enforce(read_skill("skill").path, "--", "cat", ".vault/permissions.json")[0] != 0


def test_folders_that_the_program_locked_do_not_stay(start: Start, plain: Make, temporary: Path) -> None:
    skill = plain({"filesystem": {"write": ["out"]}})
    lock = "import os; os.makedirs('out/a/b'); open('out/a/b/c', 'w'); os.chmod('out/a/b', 0); os.chmod('out/a', 0)"
    process = start("enforce", skill, "--no-verify", "--json", "--", "python3", "-c", lock)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert json.loads(out)["written"] == ["out/a/b/c"]
    assert list(temporary.iterdir()) == []


def test_explain_says_what_is_allowed_and_runs_nothing(enforce: Run, plain: Make, work: Path) -> None:
    (work / "out").mkdir()
    skill = plain({"filesystem": {"write": [str(work / "out")]}, "network": ["weather.example"]})
    code, out, err = enforce(skill, "--explain", "--audit-log", "log", "--", "sh", "-c", f"echo > {work}/out/ran")
    assert (code, err) == (0, "")
    assert "weather.example" in out
    assert f"{work}/out" in out
    assert "level here: L" in out
    assert list((work / "out").iterdir()) == []
    assert not (work / "log").exists()


def test_without_a_program_the_entry_point_runs(enforce: Run, plain: Make) -> None:
    assert enforce(plain(main__py="print('rain')"))[:2] == (0, "rain\n")


def test_of_several_entry_points_one_must_be_chosen(enforce: Run, plain: Make) -> None:
    skill = plain(a__py="print('a')", b__py="print('b')")
    code, _, err = enforce(skill)
    assert code == 125
    assert "choose one with --entrypoint; there are: " in err
    assert "a.py" in err
    assert enforce(skill, "--entrypoint", "b.py")[:2] == (0, "b\n")
    code, _, err = enforce(skill, "--entrypoint", "c.py")
    assert code == 125
    assert "there are: " in err


def test_an_entry_point_and_a_program_are_one_too_many(enforce: Run, plain: Make) -> None:
    code, _, err = enforce(plain(main__py=""), "--entrypoint", "main.py", "--", "true")
    assert code == 125
    assert "not both" in err


# hostile permissions


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "null",
        "{",
        '{"schema_version":"1.0","schema_version":"1.0","declared":{}}',
        '{"schema_version":"1.0","declared":{"exec":["sh"],"exec":[]}}',
        '{"schema_version":"2.0","declared":{}}',
        '{"schema_version":"1.0"}',
        '{"schema_version":"1.0","declared":{"exec":"sh"}}',
        '{"schema_version":"1.0","declared":{"exec":["sh\\nrm"]}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["/tmp/\\u001b[31m"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["a\\u0000b"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["\\ud800"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["--allow-child-process"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["a --allow-fs-read=/"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["../../etc"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["/"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["SKILL.md/x/"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":[""]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["' + "x" * 5000 + '/"]}}}',
        '{"schema_version":"1.0","declared":{"network":["http://[::1"]}}',
        '{"schema_version":"1.0","declared":{"network":["a\\u0000"]}}',
        '{"schema_version":"1.0","declared":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"schema_version":"1.0","declared":{"filesystem":{"write":['
        + ",".join(f'"d{number}/"' for number in range(5000))
        + "]}}}",
        '{"schema_version":"1.0","declared":{},"more":"' + "x" * 300_000 + '"}',
    ],
)
def test_permissions_that_mean_harm_are_refused_in_words(enforce: Run, plain: Make, document: str) -> None:
    code, out, err = enforce(plain(document=document), "--json", "--", "true")
    report = json.loads(out)
    assert (code, report["exit_code"], report["ending"]) == (125, 125, "refused")
    assert err.startswith("haldir: refused, nothing was run: ")
    assert "internal error" not in err
    assert "\x1b" not in out + err
    assert len(err) < 2000


def test_a_permissions_file_that_is_no_text_is_refused(enforce: Run, plain: Make) -> None:
    skill = plain()
    (skill / ".vault" / "permissions.json").write_bytes(b"\xff\xfe\x00")
    assert enforce(skill, "--", "true")[0] == 125
