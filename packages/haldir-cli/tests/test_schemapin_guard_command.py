import asyncio
import io
import json
import os
import shlex
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_cli.commands.schemapin._guarding import MAX_NOTES, TOOL_STORE, Told, approving, person
from haldir_cli.commands.schemapin.guard import default_name
from haldir_core.errors import UnreadableError
from haldir_core.schemapin.toolguard import (
    Changed,
    GuardPolicy,
    OfferedTool,
    SignatureCheck,
    ToolPin,
    ToolVerdict,
    judge_tool,
)
from haldir_sdk.schemapin.toolpins import ToolPinStore

Run = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOOL: dict[str, Any] = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}
PINNED = OfferedTool.from_json(TOOL)
OFFERED = OfferedTool.from_json({**TOOL, "description": "Evil.\x1b[2J\u202e"})


def verdict(pinned: OfferedTool | None, offered: OfferedTool, changed: Changed = Changed.BLOCK) -> ToolVerdict:
    pin = None if pinned is None else ToolPin(name=pinned.name, content=pinned.content)
    return judge_tool(offered, pin, SignatureCheck(), GuardPolicy(changed=changed))


@pytest.fixture
def store(home: Path) -> ToolPinStore:
    """Return the user's store, in which one tool is pinned and its change waits."""
    with ToolPinStore(home / TOOL_STORE) as opened:
        first = verdict(None, PINNED)
        assert first.pin is not None
        opened.commit("calc", [first], {}, NOW)
        opened.commit("calc", [verdict(PINNED, OFFERED)], {"add": first.pin}, NOW)
    return opened


def test_tools_that_are_pinned_and_that_wait_are_listed(run: Run, store: ToolPinStore) -> None:
    code, out, _ = run("schemapin", "guarded", "list", "--json")

    assert code == 0
    assert [(row["server"], row["tool"], row["state"]) for row in json.loads(out)["tools"]] == [
        ("calc", "add", "first_use"),
        ("calc", "add", "waiting"),
    ]
    assert "calc  add  waiting" in run("schemapin", "guarded", "list", "calc")[1]


def test_an_empty_store_says_how_it_is_filled(run: Run) -> None:
    assert "schemapin guard" in run("schemapin", "guarded", "list")[2]


def test_a_difference_is_shown_and_nothing_in_it_acts_on_the_terminal(run: Run, store: ToolPinStore) -> None:
    code, out, _ = run("schemapin", "guarded", "show", "calc", "add")

    assert code == 0
    assert "- Adds." in out
    assert "+ Evil.\\x1b[2J\\u202e" in out
    assert "\x1b" not in out


def test_nothing_that_waits_is_exit_code_1(run: Run, store: ToolPinStore) -> None:
    assert run("schemapin", "guarded", "show", "other")[0] == 1
    assert run("schemapin", "guarded", "approve", "calc", "other")[0] == 1
    assert run("schemapin", "guarded", "forget", "other")[0] == 1


@pytest.mark.parametrize("digest", [[], ["--digest", PINNED.digest], ["--digest", "x"]], ids=["none", "other", "odd"])
def test_nothing_is_approved_unless_somebody_names_it(run: Run, store: ToolPinStore, digest: list[str]) -> None:
    assert run("schemapin", "guarded", "approve", "calc", "add", *digest)[0] == 1
    assert store.pins("calc", ["add"])["add"].content == PINNED.content
    store.close()


def test_what_is_approved_by_its_digest_is_pinned(run: Run, store: ToolPinStore) -> None:
    assert run("schemapin", "guarded", "approve", "calc", "add", "--digest", OFFERED.digest)[0] == 0
    assert store.pins("calc", ["add"])["add"].content == OFFERED.content
    assert run("schemapin", "guarded", "show", "calc")[0] == 1
    store.close()


def test_a_server_can_be_forgotten(run: Run, store: ToolPinStore) -> None:
    assert run("schemapin", "guarded", "forget", "calc")[0] == 0
    assert store.servers() == ()
    store.close()


@pytest.mark.parametrize(
    "words", [[], ["--no-such-option"], ["--changed", "maybe", "--", "x"], ["--max-message-mb", "0"]]
)
def test_a_wrong_command_line_is_exit_code_125(run: Run, words: list[str]) -> None:
    code, _, err = run("schemapin", "guard", *words)

    assert code == 125
    assert "haldir guard: refused" in err


def test_a_server_without_a_name_is_called_by_all_of_its_command_line() -> None:
    names = {default_name(command) for command in (["a/b", "c"], ["a/b", "d"], ["a/b"], ["a/b c"], ["a/\udc80"])}

    assert len(names) == 5


def test_a_report_is_for_its_owner_only_and_is_appended_to(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    report.write_text("{}\n", encoding="utf-8")
    report.chmod(0o644)
    with Told("calc", report) as told:
        told.judged([verdict(PINNED, OFFERED)])
        told.noted("something")

    first, blocked, note = map(json.loads, report.read_text("utf-8").splitlines())
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert first == {}
    assert (blocked["server"], blocked["tool"], blocked["admitted"]) == ("calc", "add", False)
    assert note["message"] == "something"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_report_goes_to_no_other_place(tmp_path: Path, kind: str) -> None:
    report = tmp_path / "report.jsonl"
    if kind == "link":
        report.symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(report)
    else:
        report.mkdir()

    with pytest.raises(UnreadableError):
        Told("calc", report)


def test_a_verdict_is_said_once_and_what_is_refused_not_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Told("calc", None) as told:
        for _ in range(3):
            told.judged([verdict(PINNED, OFFERED)])
            told.judged([verdict(PINNED, OFFERED, Changed.ALLOW)])
            told.judged([verdict(PINNED, OFFERED, Changed.ALLOW)])
        for number in range(2 * MAX_NOTES):
            told.noted(f"number {number}")
    said = capsys.readouterr().err

    assert said.count("BLOCKED add") == 3
    assert said.count("change_allowed") == 3
    assert said.count("number") == MAX_NOTES
    assert "\x1b" not in said


def test_where_there_is_no_terminal_the_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert asyncio.run(person()(verdict(PINNED, OFFERED))) is False  # type: ignore[arg-type] # a coroutine


@pytest.mark.parametrize("name", ["a\udcff", "a\u200b", " a", ""], ids=ascii)
@pytest.mark.parametrize("command", ["show", "approve", "forget", "list"])
def test_a_name_that_no_server_can_have_is_a_wrong_command_line(run: Run, command: str, name: str) -> None:
    code, _, err = run("schemapin", "guarded", command, name, *(["add"] if command == "approve" else []))

    assert code == 2
    assert "no server or tool is called so" in err


@pytest.mark.parametrize("name", ["x; rm -rf ~", "$(id)", "-x", "a b"])
def test_what_is_to_be_copied_runs_nothing_else(name: str) -> None:
    words = shlex.split(approving("calc", name))

    assert words[:4] == ["haldir", "schemapin", "guarded", "approve"]
    assert words[-2:] == ["calc", name]
    assert ("--" in words) is name.startswith("-")
