import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_cli import clock

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("skills")


def test_a_good_skill_is_exit_0(scan: Run) -> None:
    code, out, err = scan("fine")
    assert (code, out) == (0, "")
    assert err == "PASS  fine: score 0, no findings, 1 file(s)\n"


def test_a_rejected_skill_is_exit_1_with_place_excerpt_and_caret(scan: Run) -> None:
    code, out, err = scan("bad")
    assert (code, out) == (1, "")
    assert err.splitlines()[:9] == [
        "REJECT  bad: score 0, 1 critical, 2 file(s)",
        "  because bad_word found once: rejects by itself",
        "",
        "  critical  docs/x.md:2:9: Bad word [bad_word]",
        "      It is bad1.",
        "            ^^^^",
        "      A message.",
        "      What to do: A remedy.",
        "",
    ]


def test_a_flagged_skill_is_exit_0_and_with_strict_1(scan: Run) -> None:
    assert scan("odd")[0] == 0
    assert scan("odd", "--strict")[0] == 1
    assert scan("fine", "--strict")[0] == 0


@pytest.mark.parametrize(("policy", "word"), [("strict", "REJECT"), ("balanced", "FLAG"), ("quiet", "PASS")])
def test_the_policy_decides_how_easily(scan: Run, policy: str, word: str) -> None:
    assert scan("odd", "--policy", policy)[2].startswith(word)


def test_findings_below_a_severity_are_not_shown_and_the_verdict_stays(scan: Run) -> None:
    code, _, err = scan("odd", "--severity", "critical")
    assert code == 0
    assert err.startswith("FLAG")
    assert "x.md:1" not in err
    assert "1 finding(s) below critical are not shown" in err


def test_several_paths_are_counted(scan: Run) -> None:
    code, _, err = scan("fine", "odd", "bad", "fine/", "nowhere")
    assert code == 2
    assert err.endswith("5 paths: 2 pass, 1 flag, 1 reject, 1 without verdict\n")


def test_a_file_can_be_scanned(scan: Run) -> None:
    code, _, err = scan("bad/docs/x.md")
    assert code == 1
    assert "x.md:2:9" in err


def test_nothing_is_written_into_a_skill(scan: Run, work: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    scan("fine", "odd", "bad")
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before


def test_one_path_is_one_object(scan: Run) -> None:
    code, out, err = scan("bad", "--json")
    form = json.loads(out)
    assert (code, err) == (1, "")
    assert (form["path"], form["status"], form["bundle"]["version"]) == ("bad", "reject", "7")
    assert out.count("\n") == 1


def test_several_paths_are_a_line_each_with_the_path_as_it_was_written(scan: Run, work: Path) -> None:
    written = ["fine", "bad//", "./odd", str(work / "fine"), "fine"]
    code, out, _ = scan("--json", *written)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["path"] for line in lines] == written
    assert [line["status"] for line in lines] == ["pass", "reject", "flag", "pass", "pass"]
    assert code == 1


def test_a_path_that_cannot_be_read_has_a_line_and_the_others_too(scan: Run) -> None:
    code, out, err = scan("--json", "fine", "nowhere", "bad")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["status"] for line in lines] == ["pass", "error", "reject"]
    assert "nowhere" in lines[1]["error"]
    assert code == 2
    assert "NO VERDICT" in err


def test_many_paths_are_scanned_in_order(scan: Run, write: Callable[..., Path]) -> None:
    for number in range(20):
        write(f"s{number}/SKILL.md", "bad" if number % 7 == 0 else "fine")
    out = scan("--json", *(f"s{number}" for number in range(20)))[1]
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["path"] for line in lines] == [f"s{number}" for number in range(20)]
    assert [number for number, line in enumerate(lines) if line["status"] == "reject"] == [0, 7, 14]


def test_a_folder_with_several_skills_is_one_line_with_its_units(scan: Run) -> None:
    form = json.loads(scan("--json", ".")[1])
    assert (form["path"], form["status"], "units" in form) == (".", "reject", True)
    told = {unit["path"]: unit["status"] for unit in form["units"]}
    assert told == {"fine": "pass", "odd": "flag", "bad": "reject"}


def test_severity_leaves_findings_out(scan: Run) -> None:
    form = json.loads(scan("odd", "--json", "--severity", "critical")[1])
    assert (form["status"], form["findings"]) == ("flag", [])


def test_a_hostile_text_stays_json_and_does_nothing_to_a_terminal(scan: Run, write: Callable[..., Path]) -> None:
    write("x/\x1b[31m\u202ename.md", "bad1 \x1b]0;title\x07 \u202e\u200b\x7f bad2\n")
    out = scan("x", "--json")[1]
    assert json.loads(out)["status"] == "reject"
    assert out.isascii() or all(character.isprintable() or character == "\n" for character in out)
    assert "\x1b" not in out
    err = scan("x")[2]
    assert not {"\x1b", "\x07", "\u202e", "\x7f"} & set(err)


def test_a_log_is_written_with_addresses_relative_to_the_present_folder(scan: Run, work: Path) -> None:
    assert scan("bad", "odd", "--sarif", "out.sarif")[0] == 1
    (log,) = json.loads((work / "out.sarif").read_bytes())["runs"]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["results"]]
    assert uris == ["bad/docs/x.md", "odd/x.md"]


def test_a_log_is_written_where_nothing_was_found(scan: Run, work: Path) -> None:
    assert scan("fine", "--sarif", "out.sarif")[0] == 0
    assert json.loads((work / "out.sarif").read_bytes())["runs"][0]["results"] == []


def test_the_log_of_the_last_scan_is_not_scanned(scan: Run) -> None:
    first = scan("bad", "--sarif", "bad/out.sarif", "--json")[1]
    second = scan("bad", "--sarif", "bad/out.sarif", "--json")[1]
    assert json.loads(first)["findings"] == json.loads(second)["findings"]


def test_another_file_is_not_hidden_by_a_link_of_that_name(scan: Run, work: Path) -> None:
    (work / "bad" / "out.sarif").symlink_to(work / "elsewhere.json")
    assert "symbolic_link" in scan("bad", "--sarif", "bad/out.sarif")[2]


def test_a_log_that_cannot_be_written_is_exit_2_before_the_scan(scan: Run) -> None:
    code, _, err = scan("bad", "--sarif", ".")
    assert code == 2
    assert "REJECT" not in err


def test_a_log_in_a_missing_folder_is_exit_2(scan: Run) -> None:
    assert scan("fine", "--sarif", "nowhere/out.sarif")[0] == 2


def test_a_rule_is_explained_wholly(scan: Run) -> None:
    code, out, err = scan("--explain", "bad_word")
    assert (code, err) == (0, "")
    for words in (
        "bad_word: Bad word",
        "What to do: A remedy.",
        "rejects by itself",
        "bad[0-9]*",
        "https://reference.example/bad",
        "| It is bad7.",
        "| It is good.\\u200b",
    ):
        assert words in out


def test_a_rule_is_explained_as_json(scan: Run) -> None:
    form = json.loads(scan("--explain", "bad_word", "--json")[1])
    assert (form["id"], form["any"], form["match"]) == ("bad_word", ["bad[0-9]*"], [{"a.md": "It is bad7."}])


def test_a_rule_that_is_misspelt_is_exit_2_with_the_name_that_was_meant(scan: Run) -> None:
    code, _, err = scan("--explain", "bad_wrod")
    assert code == 2
    assert "did you mean bad_word" in err


def test_all_rules_are_listed(scan: Run) -> None:
    code, out, _ = scan("--list-rules")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["RULE", "bad_word", "odd_word"]


def test_all_rules_are_listed_as_json(scan: Run) -> None:
    form = json.loads(scan("--list-rules", "--json")[1])
    assert form["bundle"]["version"] == "7"
    assert [rule["id"] for rule in form["rules"]] == ["bad_word", "odd_word"]


def test_every_built_in_rule_can_be_explained(run: Run) -> None:
    names = [rule["id"] for rule in json.loads(run("scan", "--list-rules", "--json")[1])["rules"]]
    assert names
    for name in names[::25]:
        code, out, _ = run("scan", "--explain", name)
        assert (code, out.startswith(f"{name}: ")) == (0, True)


@pytest.mark.parametrize("more", [("fine",), ("--changed",), ("--watch",)])
def test_with_something_to_scan_it_is_a_mistake(scan: Run, more: tuple[str, ...]) -> None:
    assert scan("--list-rules", *more)[0] == 2
    assert scan("--explain", "bad_word", *more)[0] == 2


@pytest.mark.parametrize("line", [(), ("--json",), ("",), ("--since", "x", "."), ("--severity", "awful", ".")])
def test_a_command_line_without_sense_is_exit_2(scan: Run, line: tuple[str, ...]) -> None:
    assert scan(*line)[0] == 2


def test_more_findings_than_a_person_reads_are_counted(scan: Run, write: Callable[..., Path]) -> None:
    write("many/SKILL.md", "bad\n" * 40)
    err = scan("many")[2]
    assert "... and 15 more findings (--json shows all)" in err
    assert err.count("A message.") == 1


def test_a_long_line_is_cut_around_what_matched(scan: Run, write: Callable[..., Path]) -> None:
    write("long/SKILL.md", "x " * 5000 + "bad1" + " y" * 5000)
    lines = scan("long")[2].splitlines()
    (number,) = [number for number, line in enumerate(lines) if line.strip() and not line.strip(" ^")]
    assert len(lines[number - 1]) <= 200
    begin = lines[number].index("^")
    assert lines[number - 1][begin : begin + 4] == "bad1"


def test_a_terminal_gets_colours_unless_they_are_not_wanted(
    scan: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("bad/SKILL.md", "bad")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in scan("bad")[2]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in scan("bad")[2]


def test_a_watched_skill_is_scanned_again_when_it_changes_and_ctrl_c_ends_with_the_last_code(
    scan: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("skill/SKILL.md", "It is fine.")
    pauses = iter(range(100))

    def pause(_seconds: float) -> None:
        number = next(pauses)
        if number == 1:
            write("skill/new.md", "It is bad.")
        if number == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(clock, "pause", pause)
    code, _, err = scan("skill", "--watch")
    assert code == 1
    assert [line.split()[0] for line in err.splitlines() if line.startswith(("PASS", "REJECT"))] == ["PASS", "REJECT"]
    assert "Ended; the exit code is that of the last scan: 1." in err


def test_watching_does_not_notice_the_report_that_it_writes(
    scan: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("skill/SKILL.md", "It is bad.")
    pauses = iter(range(100))

    def pause(_seconds: float) -> None:
        if next(pauses) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(clock, "pause", pause)
    err = scan("skill", "--watch", "--sarif", "skill/out.sarif")[2]
    assert err.count("REJECT") == 1
