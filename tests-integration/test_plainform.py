"""The plain form of ``haldir enforce`` means what the option parser makes of it, to the last member."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from haldir_cli import enforcing, program
from haldir_cli.exits import Exit
from haldir_cli.plainform import read_plain
from haldir_cli.runrequest import LEAST, LevelName, Request

ONCE = ("--alert-command", "--audit-log", "--entrypoint", "--limits", "--report", "--require", "--revocation")
VALUES = (*ONCE, "--trust-store", "--key", "--revocation-key")
FLAGS = ("--explain", "--json", "--no-verify")
ODD = (
    "--help",
    "--json=yes",
    "--key=k",
    "--no-verif",
    "--no-json",
    "--nothing",
    "--report=r",
    "-k",
    "-",
    "---",
    "=",
    "",
)
PLAIN = ("skill", "enforce", "L2", "L9", "l3", "NONE", "a b", "{}", "é", "\udcff", "*", "~", ".", "/", "@x", "\0")
WORDS = st.one_of(st.sampled_from((*VALUES, *FLAGS, "--", "--", *ODD, *PLAIN)), st.text(max_size=3))


@pytest.fixture(autouse=True, scope="module")
def _asked() -> Iterator[None]:
    """Nothing runs; what would have run is in ``asked``."""

    def ask(request: Request) -> int:
        asked.append(request)
        return Exit.GOOD

    real, enforcing.enforce = enforcing.enforce, ask
    yield
    enforcing.enforce = real


asked: list[Request] = []


def _parsed(words: list[str]) -> list[Request]:
    """Return what the option parser asks for; nothing if it refuses."""
    asked.clear()
    out, err, sys.stdout, sys.stderr = sys.stdout, sys.stderr, io.StringIO(), io.StringIO()
    try:
        program.call(["enforce", *words])
    finally:
        sys.stdout, sys.stderr = out, err
    return list(asked)


@given(st.lists(WORDS, max_size=9))
@example(["skill", "--", "true"])
@example(["skill", "--report", "--", "--", "true"])
@example(["skill", "--", "--json", "--", "x"])
@example(["--", "skill", "true"])
@example(["--require", "L1", "--require", "L3", "skill", "--"])
@example(["--key", "a", "--key", "b", "skill", "--", "true", ""])
@example(["skill", "--entrypoint", "x", "--", "true"])
def test_whatever_is_read_here_the_option_parser_reads_too(words: list[str]) -> None:
    request = read_plain(words)
    if request is not None:
        assert _parsed(words) == [request]


@given(
    st.permutations([["skill"], ["--json"], ["--no-verify"], ["--require", "L3"], ["--limits", "{}"], ["--key", "k"]])
)
def test_options_and_folder_may_stand_in_any_order(groups: list[list[str]]) -> None:
    words = [*(word for group in groups for word in group), "--", "python3", "main.py", "--json"]
    request = read_plain(words)
    assert request is not None
    assert _parsed(words) == [request]


def test_what_is_not_named_has_its_default() -> None:
    request = read_plain(["skill", "--", "true", "-x"])
    assert request == Request(skill=Path("skill"), command=("true", "-x"))
    assert request is not None
    assert request.require is LEAST


@pytest.mark.parametrize("option", VALUES)
def test_every_option_with_a_value_is_read(option: str) -> None:
    words = [option, "L3", "skill", "--", "true"]
    request = read_plain(words)
    assert request is not None
    assert getattr(request, option.removeprefix("--").replace("-", "_")) in {
        "L3",
        Path("L3"),
        LevelName.L3,
        (Path("L3"),),
    }
    assert _parsed(words) == [request]


@pytest.mark.parametrize("option", FLAGS)
def test_every_flag_is_read(option: str) -> None:
    words = ["skill", option, "--", "true"]
    request = read_plain(words)
    assert request is not None
    assert getattr(request, option.removeprefix("--").replace("-", "_")) is True
    assert _parsed(words) == [request]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--"],
        ["skill"],
        ["skill", "true"],
        ["skill", "true", "--", "x"],
        ["", "--", "true"],
        ["skill", "--help", "--", "true"],
        ["skill", "--report=r", "--", "true"],
        ["skill", "--report", "--", "true"],
        ["skill", "--report", "-", "--", "true"],
        ["skill", "--require", "L9", "--", "true"],
        ["skill", "--unknown", "--", "true"],
        ["skill", "-v", "--", "true"],
        ["skill", "--", "a\0b"],
    ],
    ids=str,
)
def test_everything_else_is_left_to_the_option_parser(words: list[str]) -> None:
    assert read_plain(words) is None


def test_a_file_that_cannot_be_read_is_left_to_the_option_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    report.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    words = ["skill", "--report", os.fspath(report), "--", "true"]
    assert read_plain(words) is None
    assert _parsed(words) == []


def test_a_shell_that_asks_for_completions_gets_them_and_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HALDIR_COMPLETE", "complete_bash")
    assert read_plain(["skill", "--", "true"]) is None


def test_a_wrong_command_line_is_told_by_the_option_parser(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.call(["enforce", "skill", "--nothing", "--", "true"]) not in {Exit.GOOD, Exit.USAGE}
    assert "--nothing" in capsys.readouterr().err
