import contextlib
import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner import (
    Baseline,
    BaselineError,
    RuleBundle,
    ScanReport,
    Severity,
    Status,
    fingerprint,
    read_baseline,
    scan_files,
)

TODAY = date(2026, 11, 22)
LAST = TODAY + timedelta(days=366)
FILES = {"top.md": b"It is bad1.\nIt is odd.\n", "docs/a.md": b"Also bad2.\n"}

Judge = Callable[..., ScanReport]


def _toml(*lines: str) -> bytes:
    return "\n".join(["version = 1", "[[suppress]]", *lines]).encode()


def _entry(*lines: str) -> bytes:
    return _toml('reason = "Looked at."', "expires = 2027-01-31", *lines)


@pytest.fixture
def judge(own_rules: RuleBundle) -> Judge:
    """The report about some files after a baseline was applied to it."""

    def make(baseline: bytes, *, today: date = TODAY, files: dict[str, bytes] = FILES) -> ScanReport:
        report = scan_files(files, bundle=own_rules)
        return Baseline.from_bytes(baseline, today=TODAY).apply(report, own_rules.scoring, today=today)

    return make


def _hidden(report: ScanReport) -> list[tuple[str, str]]:
    return [(item.match.rule, item.match.path) for item in report.suppressed]


def test_a_suppressed_finding_stays_visible_and_does_not_count(judge: Judge) -> None:
    report = judge(_entry('rule = "bad_word"'))
    assert report.status is Status.FLAG
    assert [match.rule for match in report.matches] == ["odd_word"]
    assert _hidden(report) == [("bad_word", "docs/a.md"), ("bad_word", "top.md")]
    assert report.suppressed[0].entry.reason == "Looked at."
    assert report.summary[Severity.CRITICAL] == 0
    assert report.score == 30


def test_with_nothing_left_the_skill_passes(judge: Judge) -> None:
    second = '[[suppress]]\nrule = "odd_word"\nreason = "Fine."\nexpires = 2027-01-31'
    report = judge(_entry('rule = "bad_word"', second))
    assert (report.status, report.score, report.reasons) == (Status.PASS, 0, ())


def test_what_no_entry_is_about_leaves_the_report_as_it_is(judge: Judge, own_rules: RuleBundle) -> None:
    assert judge(_entry('rule = "other_rule"')) == scan_files(FILES, bundle=own_rules)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [("top.md", ["top.md"]), ("docs/a.md", ["docs/a.md"]), ("docs/", ["docs/a.md"]), ("docs", []), ("a.md", [])],
)
def test_an_entry_with_a_path_is_about_that_file_or_folder_only(judge: Judge, path: str, hidden: list[str]) -> None:
    report = judge(_entry('rule = "bad_word"', f'path = "{path}"'))
    assert [name for _, name in _hidden(report)] == hidden


def test_a_fingerprint_is_about_one_finding_whatever_its_line(judge: Judge, own_rules: RuleBundle) -> None:
    before = scan_files({"top.md": b"\n\n\nIt is   bad1.\n"}, bundle=own_rules)
    report = judge(_entry(f'fingerprint = "{fingerprint(before.matches[0])}"'))
    assert _hidden(report) == [("bad_word", "top.md")]
    assert [match.path for match in report.matches if match.rule == "bad_word"] == ["docs/a.md"]


def test_a_fingerprint_does_not_hide_another_text_in_the_same_file(judge: Judge, own_rules: RuleBundle) -> None:
    before = scan_files({"top.md": b"It is bad1.\n"}, bundle=own_rules)
    report = judge(_entry(f'fingerprint = "{fingerprint(before.matches[0])}"'), files={"top.md": b"It is bad9.\n"})
    assert (report.status, report.suppressed) == (Status.REJECT, ())


def test_an_example_credential_does_not_hide_another_one_with_the_same_beginning() -> None:
    example, live = ("ghp_" + "aB3dE5gH7" + letter * 27 for letter in ("k", "q"))
    found = [scan_files({"a.md": f'token = "{token}"\n'.encode()}) for token in (example, live)]
    one, other = ([fingerprint(match) for match in report.matches] for report in found)
    assert one
    assert not set(one) & set(other)


def test_an_entry_counts_on_its_last_day_and_not_on_the_next(judge: Judge) -> None:
    entry = _toml('rule = "bad_word"', 'reason = "r"', "expires = 2026-12-01")
    assert judge(entry, today=date(2026, 12, 1)).status is Status.FLAG
    assert judge(entry, today=date(2026, 12, 2)).status is Status.REJECT


def test_expired_and_unused_entries_are_told(own_rules: RuleBundle) -> None:
    text = _toml('rule = "bad_word"', 'reason = "r"', "expires = 2026-11-21") + (
        b'\n[[suppress]]\nrule = "nothing_like_it"\nreason = "r"\nexpires = 2027-01-01'
    )
    baseline = Baseline.from_bytes(text, today=TODAY)
    report = baseline.apply(scan_files(FILES, bundle=own_rules), own_rules.scoring, today=TODAY)
    assert [entry.rule for entry in baseline.expired(TODAY)] == ["bad_word"]
    assert [entry.rule for entry in baseline.unused([report], TODAY)] == ["nothing_like_it"]


def test_json_says_the_same_as_toml() -> None:
    form = {"version": 1, "suppress": [{"rule": "bad_word", "reason": "Looked at.", "expires": "2027-01-31"}]}
    read = Baseline.from_bytes(json.dumps(form).encode(), today=TODAY)
    assert read == Baseline.from_bytes(_entry('rule = "bad_word"'), today=TODAY)


def test_a_baseline_without_entries_is_one() -> None:
    assert Baseline.from_bytes(b"version = 1\nsuppress = []", today=TODAY).entries == ()


WRONG = {
    "no-toml": (b"version = ", "neither TOML nor JSON"),
    "no-utf-8": (b"\xff", "neither TOML nor JSON"),
    "no-json": (b"{", "neither TOML nor JSON"),
    "twice": (b'{"version": 1, "version": 1, "suppress": []}', "occurs twice"),
    "nan": (b'{"version": NaN, "suppress": []}', "NaN"),
    "deep": (b'{"version":' + b"[" * 100_000, "neither TOML nor JSON"),
    "empty": (b"", "version = 1"),
    "no-version": (b"suppress = []", "version = 1"),
    "later-version": (b"version = 2\nsuppress = []", "version = 1"),
    "true-version": (b"version = true\nsuppress = []", "version = 1"),
    "unknown-table": (b"version = 1\nsuppress = []\nignore = []", "nothing else"),
    "no-list": (b"version = 1\nsuppress = 3", "list"),
    "no-table": (b"version = 1\nsuppress = [3]", "entry 1: must be a table"),
    "nothing-named": (_entry(), "rule or a fingerprint"),
    "only-a-path": (_entry('path = "a.md"'), "rule or a fingerprint"),
    "no-reason": (_toml('rule = "bad_word"', "expires = 2027-01-31"), "reason"),
    "blank-reason": (_toml('rule = "bad_word"', "expires = 2027-01-31", 'reason = "  "'), "reason"),
    "long-reason": (_toml('rule = "bad_word"', "expires = 2027-01-31", f'reason = "{"x" * 1001}"'), "reason"),
    "no-end": (_toml('rule = "bad_word"', 'reason = "r"'), "expires"),
    "no-day": (_toml('rule = "bad_word"', 'reason = "r"', "expires = 2027-01-31T00:00:00Z"), "expires"),
    "no-date": (_toml('rule = "bad_word"', 'reason = "r"', 'expires = "soon"'), "expires"),
    "too-late": (_toml('rule = "bad_word"', 'reason = "r"', f"expires = {LAST + timedelta(1)}"), "366 days"),
    "unknown-key": (_entry('rule = "bad_word"', "line = 3"), "'line' is unknown"),
    "wild-rule": (_entry('rule = "*"'), "no id"),
    "number-rule": (_entry("rule = 3"), "must be a text"),
    "short-fingerprint": (_entry('fingerprint = "abc"'), "64"),
    "absolute-path": (_entry('rule = "bad_word"', 'path = "/a.md"'), "relative"),
    "upward-path": (_entry('rule = "bad_word"', 'path = "../a.md"'), "relative"),
    "empty-path": (_entry('rule = "bad_word"', 'path = ""'), "relative"),
    "too-large": (b"#" * (1024 * 1024 + 1), "limit"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_baseline_that_is_not_understood_suppresses_nothing(data: bytes, message: str) -> None:
    with pytest.raises(BaselineError, match=message):
        Baseline.from_bytes(data, today=TODAY)


def test_an_entry_may_end_a_year_ahead() -> None:
    text = _toml('rule = "bad_word"', 'reason = "r"', f"expires = {LAST}")
    assert Baseline.from_bytes(text, today=TODAY).entries[0].expires == LAST


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with contextlib.suppress(BaselineError):
        Baseline.from_bytes(data, today=TODAY)


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    (folder / "sub").mkdir(parents=True)
    return folder


def test_a_baseline_beside_the_skill_is_read(skill: Path, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_bytes(_entry('rule = "bad_word"'))
    assert len(read_baseline(tmp_path / "b.toml", scanned=[skill], today=TODAY).entries) == 1


@pytest.mark.parametrize("name", ["b.toml", "sub/b.toml", "sub/../b.toml"])
def test_what_is_scanned_does_not_choose_what_is_suppressed(skill: Path, name: str) -> None:
    (skill / name).write_bytes(_entry('rule = "bad_word"'))
    with pytest.raises(BaselineError, match="is scanned"):
        read_baseline(skill / name, scanned=[skill], today=TODAY)


def test_neither_does_a_link_into_it_or_out_of_it(skill: Path, tmp_path: Path) -> None:
    inside, outside = skill / "in.toml", tmp_path / "out.toml"
    inside.write_bytes(_entry('rule = "bad_word"'))
    (tmp_path / "to-inside.toml").symlink_to(inside)
    outside.write_bytes(_entry('rule = "bad_word"'))
    (skill / "to-outside.toml").symlink_to(outside)
    for path in (tmp_path / "to-inside.toml", skill / "to-outside.toml"):
        with pytest.raises(BaselineError, match="is scanned"):
            read_baseline(path, scanned=[skill], today=TODAY)


def test_the_scanned_folder_is_known_by_another_name_too(skill: Path, tmp_path: Path) -> None:
    (skill / "b.toml").write_bytes(_entry('rule = "bad_word"'))
    (tmp_path / "other-name").symlink_to(skill)
    with pytest.raises(BaselineError, match="is scanned"):
        read_baseline(skill / "b.toml", scanned=[tmp_path / "other-name"], today=TODAY)


def test_a_baseline_that_is_missing_or_no_file_is_an_error_and_no_hang(skill: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "nowhere", tmp_path / "fifo", Path(os.devnull)):
        with pytest.raises(BaselineError, match=path.name):
            read_baseline(path, scanned=[skill], today=TODAY)
