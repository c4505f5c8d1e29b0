import json
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from haldir_scanner import Baseline, Match, RuleBundle, Scanned, fingerprint, scan_many, to_sarif
from haldir_scanner._reports._sarif import MAX_RESULTS
from haldir_scanner._text import Place

TODAY = date(2026, 11, 22)
GOOD = "---\nname: {}\ndescription: Says hello. Use it when somebody wants a greeting.\n---\nSay hello.\n"
FIRST_STEP, LAST_STEP = Place(1, 4, "os.environ"), Place(7, 0, "requests.post(")

Run = dict[str, Any]
Report = Callable[..., Scanned]
Log = Callable[..., Run]


@pytest.fixture
def report(tmp_path: Path, own_rules: RuleBundle) -> Report:
    """What comes of a skill with these files, below ``tmp_path``."""

    def make(files: dict[str, str], name: str = "skill") -> Scanned:
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        (tmp_path / name / "SKILL.md").write_text(GOOD.format(name), encoding="utf-8")
        return next(scan_many([tmp_path / name], bundle=own_rules))

    return make


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """The run of the log for what came of some paths, with ``tmp_path`` as root."""

    def make(*scanned: Scanned, root: Path = tmp_path) -> Run:
        form = json.loads(json.dumps(to_sarif(scanned, root=root)))
        assert form["version"] == "2.1.0"
        assert form["$schema"].endswith("sarif-schema-2.1.0.json")
        (run,) = form["runs"]
        assert isinstance(run, dict)
        return run

    return make


def _with(found: Scanned, **changes: Any) -> Scanned:  # noqa: ANN401 - fields of Match
    """The same with its first match changed."""
    (unit,) = found.units
    first, *rest = unit.report.matches
    changed = evolve(unit.report, matches=(evolve(first, **changes), *rest))
    return evolve(found, units=(evolve(unit, report=changed),))


def test_a_rule_is_described_once_with_all_that_code_scanning_shows(report: Report, log: Log) -> None:
    run = log(report({"top.md": "bad1\nodd\nodd\n"}))
    driver = run["tool"]["driver"]
    assert driver["name"] == "haldir-scanner"
    assert re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    assert [rule["id"] for rule in driver["rules"]] == ["bad_word", "odd_word"]
    odd = driver["rules"][1]
    assert odd["shortDescription"] == {"text": "Odd word"}
    assert odd["fullDescription"] == {"text": "A message."}
    assert odd["help"]["text"] == "A message.\n\nWhat to do: A remedy.\n\nhttps://reference.example/odd"
    assert "- <https://reference.example/odd>" in odd["help"]["markdown"]
    assert odd["defaultConfiguration"] == {"level": "error"}
    assert odd["properties"] == {
        "tags": ["security", "exfiltration", "external/cwe/cwe-200"],
        "precision": "high",
        "security-severity": "8.0",
        "problem.severity": "error",
    }


def test_every_result_names_its_rule_by_id_and_index(report: Report, log: Log) -> None:
    run = log(report({"top.md": "bad1\nodd\nlow\n"}))
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(names[result["ruleIndex"]], result["level"]) for result in run["results"]] == [
        ("bad_word", "error"),
        ("odd_word", "error"),
        ("low_word", "note"),
    ]
    assert all(result["ruleId"] == names[result["ruleIndex"]] for result in run["results"])


def test_a_place_is_counted_from_one_in_utf_16(report: Report, log: Log) -> None:
    run = log(report({"top.md": "\n\U0001f600 bad12 x\n"}))
    assert run["columnKind"] == "utf16CodeUnits"
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 4, "endLine": 2, "endColumn": 9}


def test_addresses_are_relative_to_the_root_and_percent_encoded(report: Report, log: Log) -> None:
    run = log(report({"a b/\u00fc#?%:.md": "bad1"}))
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {
        "uri": "skill/a%20b/%C3%BC%23%3F%25%3A.md",
        "uriBaseId": "%SRCROOT%",
    }
    assert "%SRCROOT%" in run["originalUriBaseIds"]
    assert "uri" not in run["originalUriBaseIds"]["%SRCROOT%"]


def test_what_lies_outside_of_the_root_has_a_whole_address(report: Report, log: Log, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    run = log(report({"a.md": "bad1"}), root=tmp_path / "elsewhere")
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {
        "uri": f"file://{os.path.realpath(tmp_path)}/skill/a.md"
    }


def test_a_single_file_has_its_own_address(tmp_path: Path, own_rules: RuleBundle, log: Log) -> None:
    (tmp_path / "a.md").write_text("bad1", encoding="utf-8")
    (found,) = scan_many([tmp_path / "a.md"], bundle=own_rules)
    (location,) = log(found)["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "a.md"


def test_a_match_about_a_file_as_such_is_at_its_beginning(report: Report, log: Log) -> None:
    run = log(_with(report({"a.md": "bad1"}), line=0, column=0))
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}


def test_a_match_about_the_whole_skill_is_shown_in_its_description(report: Report, log: Log) -> None:
    run = log(_with(report({"a.md": "bad1"}), path="", line=0))
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "skill/SKILL.md"


def test_what_lies_in_an_archive_is_shown_at_the_archive(report: Report, log: Log) -> None:
    run = log(_with(report({"a.md": "bad1"}), path="x.zip!/in/y.sh", line=40))
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "skill/x.zip"
    assert location["physicalLocation"]["region"]["startLine"] == 1
    assert location["logicalLocations"] == [{"fullyQualifiedName": "x.zip!/in/y.sh", "kind": "member"}]


def test_a_decoded_match_says_so(report: Report, log: Log) -> None:
    (result,) = log(_with(report({"a.md": "bad1"}), chain=("base64", "gzip")))["results"]
    assert result["message"]["text"] == "A message. Decoded from base64, gzip."
    assert result["properties"]["chain"] == ["base64", "gzip"]


def test_a_flow_is_a_code_flow_with_its_steps(report: Report, log: Log) -> None:
    (result,) = log(_with(report({"a.md": "bad1"}), flow=(FIRST_STEP, LAST_STEP)))["results"]
    ((thread,),) = [flow["threadFlows"] for flow in result["codeFlows"]]
    steps = [step["location"] for step in thread["locations"]]
    assert [step["message"]["text"] for step in steps] == ["Step 1: os.environ", "Step 2: requests.post("]
    assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [1, 7]
    assert steps[0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 5, "endLine": 1, "endColumn": 15}


def test_a_text_of_the_skill_makes_no_link(report: Report, log: Log) -> None:
    hostile = "[click](https://evil.example) \\[x](1)"
    flow = (Place(1, 0, hostile),)
    (result,) = log(_with(report({"a.md": "bad1"}), detail=hostile, flow=flow))["results"]
    texts = [
        result["message"]["text"],
        result["codeFlows"][0]["threadFlows"][0]["locations"][0]["location"]["message"]["text"],
    ]
    for text in texts:
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", text)


def test_fingerprints_stay_when_lines_move(report: Report, log: Log) -> None:
    one, other = (
        log(report({"a.md": text}, name))["results"][0]["partialFingerprints"]
        for name, text in (("one", "It is bad1.\n"), ("two", "\n\n  It  is bad1.\n"))
    )
    assert one == other
    assert re.fullmatch(r"[0-9a-f]{16}:1", one["primaryLocationLineHash"])
    assert re.fullmatch(r"[0-9a-f]{64}", one["haldirFinding/v1"])


def test_equal_lines_have_different_line_hashes(report: Report, log: Log) -> None:
    results = log(report({"a.md": "bad1\nbad1\n"}))["results"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]
    assert [value.partition(":")[2] for value in hashes] == ["1", "2"]


def test_our_fingerprint_is_that_of_the_finding(report: Report, log: Log) -> None:
    found = report({"a.md": "bad1"})
    (result,) = log(found)["results"]
    assert result["partialFingerprints"]["haldirFinding/v1"] == fingerprint(found.report.matches[0])


def test_a_suppressed_finding_is_a_suppressed_result(report: Report, log: Log, own_rules: RuleBundle) -> None:
    text = b'version = 1\n[[suppress]]\nrule = "bad_word"\nreason = "Ours."\nexpires = 2027-01-31'
    found = report({"a.md": "bad1\nodd\n"})
    judged = Baseline.from_bytes(text, today=TODAY).apply(found.units[0].report, own_rules.scoring, today=TODAY)
    run = log(evolve(found, units=(evolve(found.units[0], report=judged),)))
    assert {result["ruleId"]: result["suppressions"] for result in run["results"]} == {
        "odd_word": [],
        "bad_word": [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "Ours.",
                "properties": {"expires": "2027-01-31"},
            }
        ],
    }


def test_rules_point_into_catalogues_that_are_there(report: Report, log: Log) -> None:
    run = log(report({"a.md": "bad1"}))
    assert [catalogue["name"] for catalogue in run["taxonomies"]] == [
        "CWE",
        "OWASP LLM",
        "OWASP Agentic",
        "OWASP Agentic Skills",
        "MITRE ATLAS",
    ]
    relationships = run["tool"]["driver"]["rules"][0]["relationships"]
    assert [link["target"]["id"] for link in relationships] == ["CWE-200", "LLM02"]
    for link in relationships:
        component = link["target"]["toolComponent"]
        catalogue = run["taxonomies"][component["index"]]
        assert catalogue["name"] == component["name"]
        assert link["target"]["id"] in [taxon["id"] for taxon in catalogue["taxa"]]
    assert [item["name"] for item in run["tool"]["driver"]["supportedTaxonomies"]] == [
        catalogue["name"] for catalogue in run["taxonomies"]
    ]


def test_of_very_many_results_the_worst_are_listed_and_the_rest_counted(report: Report, log: Log) -> None:
    found = report({"a.md": "bad1\nodd\n"})
    (unit,) = found.units
    bad, odd = unit.report.matches
    many: tuple[Match, ...] = (*(evolve(odd, line=line) for line in range(MAX_RESULTS + 6)), bad)
    run = log(evolve(found, units=(evolve(unit, report=evolve(unit.report, matches=many)),)))
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["ruleId"] == "bad_word"
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "warning"
    assert notification["message"]["text"].startswith("7 further results")


def test_a_path_that_cannot_be_read_makes_the_run_unsuccessful(report: Report, log: Log, tmp_path: Path) -> None:
    (missing,) = scan_many([tmp_path / "nowhere"])
    run = log(report({"a.md": "fine"}), missing)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "nowhere" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert [item["status"] for item in run["properties"]["paths"]] == ["pass", "error"]


def test_a_path_that_is_not_unicode_fits_into_the_log(tmp_path: Path, own_rules: RuleBundle) -> None:
    folder = tmp_path / os.fsdecode(b"skill\xff")
    folder.mkdir()
    (folder / "SKILL.md").write_text(GOOD.format("skill"), encoding="utf-8")
    (folder / os.fsdecode(b"\xfe.md")).write_text("bad1", encoding="utf-8")
    found = scan_many([folder, os.fsdecode(b"no\xfd")], bundle=own_rules)
    text = json.dumps(to_sarif(list(found), root=tmp_path), ensure_ascii=False)
    assert "skill%FF/" in text
    assert text.encode("utf-8")


def test_a_run_without_results_says_that_it_was_one(report: Report, log: Log) -> None:
    run = log(report({"a.md": "fine"}))
    assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], True)


def test_the_log_of_the_same_scan_is_the_same(report: Report, log: Log) -> None:
    assert log(report({"a.md": "bad1\nodd\n"})) == log(report({"a.md": "bad1\nodd\n"}))
