import errno
import getpass
import io
import json
import os
import runpy
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from haldir_cli import main
from haldir_cli.main import run as run_process
from haldir_cli.program import COMMANDS
from haldir_cli.version import VERSION

Run = Callable[..., tuple[int, str, str]]


class Interrupted(io.StringIO):
    """A standard output whose reader presses Ctrl-C, or is gone, or has a full disk."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        """Fail as the reader does."""
        raise self.error


class FailsAtTheEnd(io.StringIO):
    """A standard output that takes everything, and fails when it is flushed for the first time."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.pending = [error]

    def flush(self) -> None:
        """Fail once."""
        if self.pending:
            raise self.pending.pop()


def _call(arguments: list[str]) -> int | str:
    """Return the exit code of the program, or what it raised although it must not."""
    try:
        return main(arguments)
    except (KeyboardInterrupt, SystemExit, OSError) as error:
        return f"raised {error!r}"


def test_the_version_is_that_of_the_distribution() -> None:
    assert version("haldir-cli") == VERSION


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "verify")], ids=["alone", "with-more"])
def test_version_is_printed_on_stdout(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments) == (0, f"haldir {VERSION}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Usage: haldir {command}" in out


@pytest.mark.parametrize("command", ["add", "list", "remove"])
def test_every_command_of_trust_has_help(run: Run, command: str) -> None:
    code, out, _ = run("trust", command, "--help")
    assert code == 0
    assert f"Usage: haldir trust {command}" in out


def test_the_help_of_the_program_names_every_command_with_its_sentence(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(command in out and sentence[:40] in out for command, sentence in COMMANDS.items())


def test_shell_completion_is_offered(run: Run) -> None:
    assert "--install-completion" in run("--help")[1]


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    code, out, err = run("frobnicate")
    assert (code, out) == (2, "")
    assert "frobnicate" in err


def test_no_command_at_all_is_a_usage_error(run: Run) -> None:
    assert run()[0] == 2


def test_help_has_no_colours(run: Run) -> None:
    assert "\x1b" not in "".join(run("verify", "--help")[1:])


def test_ctrl_c_is_130_and_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupted(KeyboardInterrupt()))
    assert main(["trust", "list", "--json"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_is_gone_is_exit_2_without_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdout", Interrupted(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    code = _call(["trust", "list", "--json"])
    sys.stdout.close()
    assert (code, capsys.readouterr().err) == (2, "")


@pytest.mark.parametrize(
    ("error", "expected"),
    [(KeyboardInterrupt(), 130), (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2), (OSError(errno.EIO, "I/O"), 2)],
    ids=["ctrl-c", "reader-gone", "broken-disk"],
)
def test_what_happens_at_the_very_end_counts_too(
    work: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, expected: int
) -> None:
    monkeypatch.setattr(sys, "stdout", FailsAtTheEnd(error))
    code = _call(["keygen"])
    sys.stdout.close()
    assert code == expected


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["trust", "list", "--json"]], ids=lambda line: line[0]
)
@pytest.mark.parametrize(
    ("error", "expected"),
    [(KeyboardInterrupt(), 130), (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2), (OSError(errno.EIO, "I/O"), 2)],
    ids=["ctrl-c", "reader-gone", "broken-disk"],
)
def test_main_raises_nothing_whatever_the_output_does(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: BaseException, expected: int
) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupted(error))
    code = _call(arguments)
    sys.stdout.close()
    assert code == expected


def test_ctrl_d_instead_of_a_passphrase_ends_the_command(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_d(_: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", press_ctrl_d)
    code, _, err = run("sign", skill, "--key", encrypted_key)
    assert (code, (skill / ".vault").exists()) == (130, False)
    assert "Interrupted." in err


def test_a_full_disk_is_exit_2_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupted(OSError(errno.ENOSPC, "No space left on device")))
    assert main(["trust", "list", "--json"]) == 2
    assert capsys.readouterr().err.endswith("haldir: No space left on device\n")


def test_a_fault_of_ours_is_told_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupted(ZeroDivisionError()))
    assert main(["trust", "list", "--json"]) == 2
    err = capsys.readouterr().err
    assert "internal error (ZeroDivisionError). Nothing was decided." in err
    assert "Traceback" not in err


def test_a_fault_of_ours_shows_its_traceback_to_those_who_look_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HALDIR_DEBUG", "1")
    monkeypatch.setattr(sys, "stdout", Interrupted(ZeroDivisionError()))
    assert main(["trust", "list", "--json"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_unreadable_file_is_named(run: Run, keys: Path, home: Path) -> None:
    home.write_text("a file where a folder must be", encoding="ascii")
    code, _, err = run("trust", "add", "--key", keys / "publisher.pub")
    assert code == 2
    assert str(home) in err


@pytest.mark.parametrize(("arguments", "code"), [(("--version",), 0), (("frobnicate",), 2)], ids=["good", "usage"])
def test_the_process_ends_with_the_code_of_the_command(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["haldir", *arguments])
    with pytest.raises(SystemExit) as ended:
        run_process()
    assert ended.value.code == code


def test_the_module_is_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["haldir", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("haldir_cli", run_name="__main__")
    assert (ended.value.code, capsys.readouterr().out) == (0, f"haldir {VERSION}\n")


def test_json_can_be_read_whatever_the_encoding_of_the_terminal(
    run: Run, skill: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sign", skill, "--key", keys / "publisher.key", "--name", "für 名 😀")
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="latin-1"))
    monkeypatch.setattr(sys, "argv", ["haldir", "inspect", os.fspath(skill), "--json"])
    with pytest.raises(SystemExit) as ended:
        run_process()
    shown = json.loads(buffer.getvalue().decode("latin-1"))
    assert ended.value.code == 0
    assert shown["documents"]["attestation.json"]["skill"]["name"] == "für 名 😀"


def test_a_stream_that_cannot_be_configured_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "argv", ["haldir", "--version"])
    with pytest.raises(SystemExit):
        run_process()
    assert shown.getvalue() == f"haldir {VERSION}\n"


def test_reading_is_as_strict_as_before(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["haldir", "--version"])
    with pytest.raises(SystemExit):
        run_process()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "haldir.json")


def test_importing_the_module_of_the_program_runs_nothing() -> None:
    assert "run" in runpy.run_module("haldir_cli.__main__", run_name="imported")


def test_standard_output_that_is_closed_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    main(["trust", "list", "--json"])
    assert "internal error" not in capsys.readouterr().err
