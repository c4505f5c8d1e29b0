import json
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")


READS_A_KEY = "import os\ntry: open(os.path.expanduser('~/.ssh/id_rsa'))\nexcept OSError: pass\n"


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
    """Make a skill with a program and unsigned permissions."""

    def make(
        program: str = "print('rain')\n", declared: Mapping[str, Any] | None = None, document: str | None = None
    ) -> Path:
        folder = work / "skill"
        (folder / ".vault").mkdir(parents=True)
        (folder / "SKILL.md").write_text("---\nname: skill\ndescription: Says rain.\n---\nRun `python3 main.py`.\n")
        text = json.dumps({"schema_version": "1.0", "declared": declared or {}}) if document is None else document
        (folder / ".vault" / "permissions.json").write_text(text)
        (folder / "main.py").write_text(program)
        return folder

    return make


def test_a_harmless_skill_passes(run: Run, plain: Make) -> None:
    code, out, err = run("sandbox", plain())
    assert (code, out) == (0, "")
    assert "pass: " in err


def test_a_skill_that_reaches_for_secrets_is_rejected(run: Run, plain: Make) -> None:
    code, out, err = run("sandbox", plain(READS_A_KEY))
    assert (code, out) == (1, "")
    assert "decoy" in err
    assert "reject: " in err


def test_a_silent_attempt_is_seen(run: Run, plain: Make) -> None:
    code, out, _ = run("sandbox", plain(READS_A_KEY), "--json")
    report = json.loads(out)
    assert (code, report["exit_code"], report["status"]) == (1, 1, "reject")
    assert report["violations"]
    assert report["level"] in {"L3", "L4"}


def test_a_doubtful_skill_is_flagged_which_is_no_refusal(run: Run, plain: Make, work: Path) -> None:
    (work / "data").write_text("data")
    code, _, err = run("sandbox", plain(f"try: open('{work}/data')\nexcept OSError: pass\n"))
    assert code == 0
    assert "flag: " in err


def test_a_command_can_be_given(run: Run, plain: Make) -> None:
    code, out, _ = run("sandbox", plain(), "--json", "--", "python3", "main.py", "--today")
    report = json.loads(out)
    assert (code, report["status"]) == (0, "pass")
    assert {tuple(each["argv"][-2:]) for each in report["runs"]} == {("main.py", "--today")}


def test_a_program_of_the_skill_is_named_by_its_path_in_it(run: Run, plain: Make) -> None:
    skill = plain("#!/usr/bin/env python3\nprint('rain')\n")
    (skill / "main.py").chmod(0o755)
    code, out, _ = run("sandbox", skill, "--json", "--", "./main.py")
    assert code == 0
    assert {each["stdout"] for each in json.loads(out)["runs"]} == {"rain\n"}


def test_a_command_that_is_not_there_is_wrong_use_and_no_answer(run: Run, plain: Make) -> None:
    code, out, err = run("sandbox", plain(), "--", "main.py")
    assert (code, out) == (2, "")
    assert "the skill has a file of this name: say ./main.py" in err


def test_a_level_that_is_not_reached_is_no_answer(run: Run, plain: Make, work: Path) -> None:
    skill = plain("open('/etc/shadow')\n")
    code, out, err = run("sandbox", skill, "--require", "L5", "--json", "--report", "report.json")
    report = json.loads(out)
    assert (code, report["exit_code"], report["runs"]) == (3, 3, [])
    assert report == json.loads((work / "report.json").read_text())
    assert "No answer: this machine reaches level L" in err


def test_json_and_the_report_are_the_same(run: Run, plain: Make, work: Path) -> None:
    _, out, _ = run("sandbox", plain(), "--json", "--report", "report.json")
    assert json.loads(out) == json.loads((work / "report.json").read_text())


def test_a_trace_is_lines_of_json_for_its_owner_alone(run: Run, plain: Make, work: Path) -> None:
    assert run("sandbox", plain(), "--trace", "trace.jsonl")[0] == 0
    lines = [json.loads(line) for line in (work / "trace.jsonl").read_text().splitlines()]
    assert any(line.get("action") == "process.start" for line in lines)
    assert lines[-1]["run"] == "end"
    assert stat.S_IMODE((work / "trace.jsonl").stat().st_mode) == 0o600


def test_a_trace_that_is_there_is_not_overwritten(run: Run, plain: Make, work: Path) -> None:
    (work / "trace").write_text("kept")
    (work / "link").symlink_to(work / "elsewhere")
    skill = plain()
    for name in ("trace", "link", "nowhere/trace"):
        assert run("sandbox", skill, "--trace", name)[0] == 2
    assert (work / "trace").read_text() == "kept"
    assert not (work / "elsewhere").exists()


@pytest.mark.parametrize("place", ["/dev/full", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(run: Run, plain: Make, place: str) -> None:
    code, _, err = run("sandbox", plain(), "--report", place, "--trace", "trace")
    assert code == 2
    assert "cannot write a file" in err
    assert not Path("trace").exists()


def test_a_wrong_limit_is_named(run: Run, plain: Make) -> None:
    code, _, err = run("sandbox", plain(), "--limits", '{"memory_mb": 0}')
    assert code == 2
    assert "--limits: memory_mb must be above 0" in err


def test_an_unknown_entry_point_is_refused_with_those_that_are(run: Run, plain: Make) -> None:
    code, _, err = run("sandbox", plain(), "--entrypoint", "other.py")
    assert code == 2
    assert "main.py" in err


def test_an_entry_point_can_be_chosen(run: Run, plain: Make) -> None:
    skill = plain()
    (skill / "other.py").write_text("open('/etc/shadow')\n")
    code, out, _ = run("sandbox", skill, "--entrypoint", "main.py", "--json")
    assert code == 0
    assert not any("other.py" in word for each in json.loads(out)["runs"] for word in each["argv"])


def test_an_entry_point_and_a_program_are_one_too_many(run: Run, plain: Make) -> None:
    code, _, err = run("sandbox", plain(), "--entrypoint", "main.py", "--", "true")
    assert code == 2
    assert "not both" in err


@pytest.mark.parametrize("words", [[], ["nowhere"], ["skill", "--require", "L9"], ["skill", "--no-such-option"]])
def test_a_wrong_command_line_is_2(run: Run, plain: Make, words: list[str]) -> None:
    plain()
    assert run("sandbox", *words)[0] == 2


def test_a_skill_with_links_is_refused(run: Run, plain: Make) -> None:
    skill = plain()
    (skill / "passwords").symlink_to("/etc/passwd")
    code, _, err = run("sandbox", skill)
    assert code == 1
    assert "passwords" in err


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"schema_version":"1.0","schema_version":"1.0","declared":{}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["/tmp/\\u001b[31m"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"write":["a\\u0000b"]}}}',
        '{"schema_version":"1.0","declared":{"filesystem":{"read":["--allow-child-process"]}}}',
        '{"schema_version":"1.0","declared":{"network":["http://[::1"]}}',
    ],
)
def test_permissions_that_mean_harm_are_refused_in_words(run: Run, plain: Make, document: str) -> None:
    code, out, err = run("sandbox", plain(document=document))
    assert (code, out) == (2, "")
    assert "internal error" not in err
    assert "\x1b" not in err


def test_what_a_skill_prints_and_calls_its_files_is_shown_without_control_characters(run: Run, plain: Make) -> None:
    skill = plain("print('\\x1b[2J')\ntry: open('/etc/\\x1b]0;x\\x07', 'w')\nexcept OSError: pass\n")
    code, out, err = run("sandbox", skill, "--json")
    assert code == 1
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


def test_the_skill_stays_as_it_is(run: Run, plain: Make) -> None:
    skill = plain("open('new', 'w')\n", {"filesystem": {"write": ["."]}})
    before = sorted(path.name for path in skill.rglob("*"))
    run("sandbox", skill)
    assert sorted(path.name for path in skill.rglob("*")) == before
