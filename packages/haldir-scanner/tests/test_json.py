import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from haldir_scanner import Baseline, RuleBundle, Scanned, Severity, fingerprint, scan_many, to_json

Form = dict[str, Any]
GOOD = "---\nname: {}\ndescription: Says hello. Use it when somebody wants a greeting.\n---\nSay hello.\n"


@pytest.fixture
def scanned(tmp_path: Path, own_rules: RuleBundle) -> Callable[..., Scanned]:
    """What comes of a skill with these files."""

    def make(**files: str) -> Scanned:
        folder = tmp_path / "skill"
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".md").write_text(text, encoding="utf-8")
        skills = {path.parent for path in folder.rglob("*.md") if path.parent.parent == folder}
        for skill in skills if len(files) > 1 else {folder}:
            (skill / "SKILL.md").write_text(GOOD.format(skill.name), encoding="utf-8")
        return next(scan_many([folder], bundle=own_rules))

    return make


def test_the_verdict_comes_first_with_what_it_rests_on(scanned: Callable[..., Scanned], own_rules: RuleBundle) -> None:
    found = scanned(top="It is bad1.\n")
    form = to_json(found)
    assert list(form)[:2] == ["path", "status"]
    assert (form["path"], form["status"], form["policy"]) == (found.path, "reject", "balanced")
    assert form["reasons"] == [{"rule": "bad_word", "effect": "reject", "points": 0, "places": 1}]
    assert form["bundle"] == {"version": "1", "digest": own_rules.digest}
    assert form["summary"] == {"critical": 1, "high": 0, "medium": 0, "low": 0}
    assert (form["files_scanned"], form["bytes_scanned"]) == (2, 12 + len(GOOD.format("skill")))
    assert form["duration_ms"] >= 0


def test_a_finding_says_what_where_and_what_to_do(scanned: Callable[..., Scanned]) -> None:
    found = scanned(docs__a="\nIt is bad1, \U0001f600 bad2.\n")
    (finding,) = to_json(found)["findings"]
    (match,) = found.report.matches
    assert finding == {
        "rule": "bad_word",
        "pattern_id": "bad_word",
        "category": "exfiltration",
        "severity": "critical",
        "confidence": "high",
        "effect": "reject",
        "title": "Bad word",
        "message": "A message.",
        "remediation": "A remedy.",
        "file": "docs/a.md",
        "line": 2,
        "column": 6,
        "match": "bad1",
        "context": "It is bad1, \U0001f600 bad2.",
        "region": "prose",
        "chain": [],
        "flow": [],
        "detail": "",
        "cwe": [200],
        "owasp_llm": ["LLM02"],
        "owasp_agentic": [],
        "owasp_skills": [],
        "atlas": [],
        "fingerprint": fingerprint(match),
    }


def test_findings_below_a_severity_are_left_out_and_change_nothing(scanned: Callable[..., Scanned]) -> None:
    found = scanned(top="It is odd.\nIt is low.\n")
    whole, part = to_json(found), to_json(found, least=Severity.HIGH)
    assert [finding["rule"] for finding in part["findings"]] == ["odd_word"]
    assert part == whole | {"findings": part["findings"]}


def test_an_error_has_a_path_and_a_status_that_is_no_verdict(tmp_path: Path) -> None:
    (found,) = scan_many([tmp_path / "nowhere"])
    form = to_json(found)
    assert list(form) == ["path", "status", "error"]
    assert form["status"] == "error"
    assert "nowhere" in form["error"]


def test_what_is_suppressed_is_listed_with_the_reason(scanned: Callable[..., Scanned], own_rules: RuleBundle) -> None:
    today = date(2026, 11, 22)
    text = b'version = 1\n[[suppress]]\nrule = "bad_word"\npath = "top.md"\nreason = "Ours."\nexpires = 2027-01-31'
    baseline = Baseline.from_bytes(text, today=today)
    found = scanned(top="It is bad1.\n")
    units = (evolve(found.units[0], report=baseline.apply(found.units[0].report, own_rules.scoring, today=today)),)
    form = to_json(evolve(found, units=units))
    assert form["status"] == "pass"
    assert form["findings"][0]["suppressed"] == {
        "rule": "bad_word",
        "path": "top.md",
        "reason": "Ours.",
        "expires": "2027-01-31",
    }


def test_units_are_told_where_there_are_several(scanned: Callable[..., Scanned]) -> None:
    form = to_json(scanned(a__x="It is odd.", b__x="It is low.", c="It is fine."))
    told = [(unit["path"], unit["status"], unit["score"], unit["findings"]) for unit in form["units"]]
    assert told == [("a", "flag", 30, 1), ("b", "pass", 0, 1), (".", "pass", 0, 0)]
    assert (form["status"], form["score"]) == ("flag", 30)
    assert [finding["file"] for finding in form["findings"]] == ["a/x.md", "b/x.md"]


def test_a_single_skill_has_no_units(scanned: Callable[..., Scanned]) -> None:
    assert "units" not in to_json(scanned(top="It is odd."))


def test_the_form_is_json(scanned: Callable[..., Scanned]) -> None:
    form = to_json(scanned(top="It is bad1 \u202e\x1b[31m.\n"))
    assert json.loads(json.dumps(form)) == form
