import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core.signedrules import SignedRules
from haldir_scanner import RuleBundle

Run = Callable[..., tuple[int, str, str]]

SCORING = """
[scoring]
repeat_percent = 10
repeats_counted = 3
weights = { critical = 60, high = 30, medium = 12, low = 3 }
confidence_percent = { high = 100, medium = 75, low = 40 }
[scoring.policies]
strict = { flag = 12, reject = 60 }
balanced = { flag = 30, reject = 100 }
quiet = { flag = 60, reject = 120 }
"""
RULE = """
category = "exfiltration"
[[rule]]
id = "bad_word"
severity = "critical"
confidence = "high"
title = "Bad word"
message = "A message."
remediation = "A remedy."
file_types = ["any"]
any = ["bad"]
match = [{ "a.md" = "It is bad." }]
no_match = [{ "a.md" = "It is good." }]
"""


@pytest.fixture
def source(work: Path) -> Path:
    """A folder with one good rule."""
    folder = work / "source"
    folder.mkdir()
    (folder / "bundle.toml").write_text('version = "7"\n', encoding="utf-8")
    (folder / "scoring.toml").write_text(SCORING, encoding="utf-8")
    (folder / "own.toml").write_text(RULE, encoding="utf-8")
    return folder


@pytest.fixture
def change(source: Path) -> Callable[[str, str], None]:
    """Replace something in the rule."""

    def make(old: str, new: str) -> None:
        assert old in RULE
        (source / "own.toml").write_text(RULE.replace(old, new), encoding="utf-8")

    return make


def test_a_bundle_is_built_and_signed_and_used(run: Run, source: Path, keys: Path, work: Path) -> None:
    code, out, err = run("rules", "build", source, "--output", "r.json", "--key", keys / "authority.key")
    assert (code, out) == (0, "")
    assert "1 rule(s), version 7, digest " in err
    assert "Signed with key " in err
    signed = SignedRules.from_bytes((work / "r.json").read_bytes())
    assert RuleBundle.from_bytes(signed.payload_bytes()).version == "7"
    (work / "x.md").write_text("It is bad.", encoding="utf-8")
    code, out, _ = run("scan", "x.md", "--json", "--bundle", "r.json", "--key", keys / "authority.pub")
    assert [finding["rule"] for finding in json.loads(out)["findings"]] == ["bad_word"]


def test_indicators_are_built_and_signed_and_compared(run: Run, source: Path, keys: Path, work: Path) -> None:
    (source / "indicators.toml").write_text(
        '[iocs]\nhosts = ["drop.example"]\nips = ["203.0.113.7"]\n', encoding="utf-8"
    )
    assert run("rules", "build", source, "--output", "r.json", "--key", keys / "authority.key")[0] == 0
    (work / "x.md").write_text("Read https://a.drop.example/x from 203.0.113.7.", encoding="utf-8")
    code, out, _ = run("scan", "x.md", "--json", "--bundle", "r.json", "--key", keys / "authority.pub")
    report = json.loads(out)
    assert (code, report["status"]) == (1, "reject")
    assert {finding["rule"] for finding in report["findings"]} >= {"known_bad_host", "known_bad_ip"}


def test_an_indicator_that_could_never_be_found_keeps_a_bundle_from_being_built(run: Run, source: Path) -> None:
    (source / "indicators.toml").write_text('[iocs]\nhashes = ["d41d8cd98f00b204e9800998ecf8427e"]\n', encoding="utf-8")
    code, _, err = run("rules", "build", source, "--output", "r.json")
    assert code != 0
    assert "iocs.hashes" in err


def test_without_a_key_the_bundle_is_not_signed_and_that_is_told(run: Run, source: Path, work: Path) -> None:
    code, _, err = run("rules", "build", source, "--output", "r.json")
    assert code == 0
    assert "Not signed" in err
    assert RuleBundle.from_bytes((work / "r.json").read_bytes()).version == "7"


def test_the_version_can_be_given(run: Run, source: Path, work: Path) -> None:
    assert run("rules", "build", source, "--output", "r.json", "--version", "8")[0] == 0
    assert RuleBundle.from_bytes((work / "r.json").read_bytes()).version == "8"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('no_match = [{ "a.md" = "It is good." }]', "", "bad_word: needs at least one example"),
        ("It is bad.", "It is worse.", "bad_word: example 1 of match is not found"),
        ("It is good.", "Not bad.", "bad_word: example 1 of no_match is found"),
    ],
)
def test_a_rule_that_does_not_hold_is_exit_1_and_nothing_is_written(
    run: Run, source: Path, change: Callable[[str, str], None], old: str, new: str, words: str
) -> None:
    change(old, new)
    code, _, err = run("rules", "build", source, "--output", "r.json")
    assert code == 1
    assert words in err
    assert not Path("r.json").exists()
    code, _, err = run("rules", "test", source)
    assert code == 1
    assert words in err


def test_a_bundle_that_was_there_stays_if_the_new_one_does_not_hold(
    run: Run, source: Path, work: Path, change: Callable[[str, str], None]
) -> None:
    (work / "r.json").write_text("old", encoding="utf-8")
    change("It is bad.", "It is worse.")
    run("rules", "build", source, "--output", "r.json")
    assert (work / "r.json").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["bad"]', '["(?=bad)"]', "refused"),
        ('["bad"]', '["b*"]', "empty text"),
        ('["bad"]', '["{{nothing}}"]', "nothing"),
        ('"high"', '"sure"', "confidence"),
        ("[[rule]]", "[[rules]]", "rules"),
        ("any =", "any", "own.toml"),
    ],
)
def test_sources_that_are_no_rules_are_exit_2(
    run: Run, source: Path, change: Callable[[str, str], None], old: str, new: str, words: str
) -> None:
    change(old, new)
    for line in (("test", source), ("build", source, "--output", "r.json")):
        code, _, err = run("rules", *line)
        assert code == 2
        assert words in err
        assert "internal error" not in err
    assert not Path("r.json").exists()


def test_good_rules_hold_what_their_examples_say(run: Run, source: Path) -> None:
    code, out, err = run("rules", "test", source)
    assert (code, out, err) == (0, "", "1 rule(s) hold what their 2 examples say\n")


@pytest.mark.parametrize("options", [(), ("--key", "authority.key")])
def test_a_built_bundle_can_be_tried_too(run: Run, source: Path, keys: Path, options: tuple[str, ...]) -> None:
    named = [keys / option if option.endswith(".key") else option for option in options]
    run("rules", "build", source, "--output", "r.json", *named)
    assert run("rules", "test", "r.json")[0] == 0


@pytest.mark.parametrize("name", ["nowhere", os.devnull, "empty", "x.md"])
def test_what_is_neither_sources_nor_a_bundle_is_exit_2(run: Run, work: Path, name: str) -> None:
    (work / "empty").mkdir()
    (work / "x.md").write_text("It is bad.", encoding="utf-8")
    assert run("rules", "test", name)[0] == 2
    assert run("rules", "build", name, "--output", "r.json")[0] == 2


def test_a_source_that_is_no_utf_8_is_exit_2(run: Run, source: Path) -> None:
    (source / "own.toml").write_bytes(b"\xff")
    code, _, err = run("rules", "test", source)
    assert code == 2
    assert "UTF-8" in err


def test_a_fifo_among_the_sources_does_not_hang(run: Run, source: Path) -> None:
    os.mkfifo(source / "more.toml")
    assert run("rules", "test", source)[0] == 2


def test_the_key_is_opened_before_the_work(run: Run, source: Path, work: Path) -> None:
    assert run("rules", "build", source, "--output", "r.json", "--key", "nowhere")[0] == 2
    assert not (work / "r.json").exists()


def test_a_place_that_takes_no_file_is_exit_2(run: Run, source: Path) -> None:
    assert run("rules", "build", source, "--output", ".")[0] == 2
    assert run("rules", "build", source, "--output", "nowhere/r.json")[0] == 2


def test_the_commands_are_shown(run: Run) -> None:
    out = run("rules", "--help")[1]
    assert "build" in out
    assert "test" in out
