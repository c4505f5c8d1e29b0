import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")


@pytest.fixture(autouse=True)
def _offline() -> None:
    """Stand in for the fixture that refuses processes: these tests start some."""


@pytest.fixture
def log(run: Run, skill: Path, work: Path) -> Path:
    """Return the log of two runs, the second of which has a violation."""
    (work / "secret").touch()
    for words in (["true"], ["cat", str(work / "secret")]):
        assert run("enforce", skill, "--no-verify", "--audit-log", "log", "--", *words)[0] in {0, 126}
    return work / "log"


def _verdict(run: Run, *words: str | Path) -> tuple[int, dict[str, Any], str]:
    code, out, err = run("enforce-log", "verify", *words, "--json")
    return code, json.loads(out), err


def test_a_log_of_this_user_is_good_by_his_own_key(run: Run, log: Path, home: Path) -> None:
    code, verdict, err = _verdict(run, log)
    assert code == 0
    assert (verdict["valid"], verdict["complete"], verdict["runs"], verdict["errors"]) == (True, True, 2, [])
    assert verdict["signed_by"] == [(home / "audit-log.keyid").read_text()]
    assert err.startswith("unchanged: 2 runs, ")


def test_a_key_that_is_named_stands_in_for_ones_own(run: Run, log: Path, home: Path, keys: Path) -> None:
    assert run("enforce-log", "verify", log, "--key", home / "audit-log.pub")[0] == 0
    assert run("enforce-log", "verify", log, "--key", keys / "stranger.pub", "--key", home / "audit-log.pub")[0] == 0
    code, _, err = run("enforce-log", "verify", log, "--key", keys / "stranger.pub")
    assert code == 1
    assert "none of the given keys" in err
    assert "NOT VALID" in err


def test_a_log_from_elsewhere_is_not_good_by_ones_own_key(
    run: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skill: Path
) -> None:
    monkeypatch.setenv("HALDIR_HOME", str(tmp_path / "other"))
    code, verdict, err = _verdict(run, log)
    assert (code, verdict["signatures_checked"]) == (0, False)
    assert "no key is known" in err
    assert run("enforce", skill, "--no-verify", "--audit-log", "other.log", "--", "true")[0] == 0
    assert _verdict(run, log)[0] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines[:4], lines[4].replace(b'"decision":"', b'"decision":"x'), *lines[5:]], "line 5: "),
        (lambda lines: [*lines[:4], *lines[5:]], "missing, added or moved"),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "missing, added or moved"),
        (lambda lines: lines[:-1], "it is truncated"),
        (lambda lines: [*lines[:-1], lines[-1][:-10]], "cut off"),
        (lambda lines: lines[3:], "the beginning is missing"),
        (lambda _: [], "the log is empty"),
        (lambda lines: [*lines, b"\xff\n"], "not UTF-8"),
        (lambda lines: [b'{"action":"\x1b[2J"}\n', *lines], "line 1: "),
    ],
    ids=["changed", "left out", "moved", "no end", "torn", "no beginning", "empty", "no text", "foreign"],
)
def test_a_log_that_was_changed_is_not_good(
    run: Run, log: Path, change: Callable[[list[bytes]], list[bytes]], words: str
) -> None:
    log.write_bytes(b"".join(change(log.read_bytes().splitlines(keepends=True))))
    code, out, err = run("enforce-log", "verify", log)
    assert (code, out) == (1, "")
    assert words in err
    assert "NOT VALID" in err
    assert "\x1b" not in err


def test_many_errors_are_told_in_short(run: Run, log: Path) -> None:
    log.write_bytes(b"nothing\n" * 50)
    code, _, err = run("enforce-log", "verify", log)
    assert code == 1
    assert "... and 40 more: --json shows all" in err
    assert len(_verdict(run, log)[1]["errors"]) == 50


def test_what_cannot_be_read_is_no_verdict(run: Run, log: Path, work: Path, keys: Path) -> None:
    assert run("enforce-log", "verify", work / "nowhere")[0] == 2
    assert run("enforce-log", "verify", work)[0] == 2
    assert run("enforce-log", "verify")[0] == 2
    assert run("enforce-log", "verify", log, "--key", work / "nowhere")[0] == 2
    assert run("enforce-log", "verify", log, "--key", log)[0] == 2


def test_a_key_of_ones_own_that_others_could_have_written_is_not_used(run: Run, log: Path, home: Path) -> None:
    (home / "audit-log.pub").chmod(0o666)
    code, _, err = run("enforce-log", "verify", log)
    assert code == 2
    assert "others could have written" in err


def test_a_log_that_was_changed_is_not_continued(run: Run, log: Path, skill: Path) -> None:
    with log.open("ab") as file:
        file.write(b"{")
    code, _, err = run("enforce", skill, "--no-verify", "--audit-log", log, "--", "true")
    assert code == 125
    assert "cannot be continued" in err


def test_help_names_the_command(run: Run) -> None:
    assert "verify" in run("enforce-log", "--help")[1]
