import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from haldir_auditor import (
    Answer,
    AuditReport,
    Ignore,
    Ignores,
    Package,
    Settings,
    Severity,
    Vulnerability,
    VulnerabilityData,
    to_cyclonedx,
    to_json,
    to_openvex,
    to_sarif,
    to_text,
)
from haldir_auditor._reports import fingerprint
from haldir_auditor._reports.hashes import hashes_of
from haldir_auditor.auditing import audit_supply
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Origin, Place, Supply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FLAW = Vulnerability("GHSA-1", ("CVE-2026-1",), "Bad things", Severity.HIGH, malicious=False, fixed=("2.0.0",))
DIGEST = "ab" * 32


@frozen
class Source:
    """Knows one vulnerability of the package lodash."""

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Answer."""
        known = {one: (FLAW,) for one in packages if one.name == "lodash"}
        return Answer(VulnerabilityData("test data", NOW, 7), known, {})


def locked(name: str, version: str, depth: int, needs: tuple[str, ...] = (), **more: Any) -> Locked:  # noqa: ANN401 - any field of the record
    place = Place("package-lock.json", 10 + depth)
    one = Locked(Ecosystem.NPM, name, version, name, place, hashes=(f"sha256:{DIGEST}",), needs=needs, depth=depth)
    return evolve(one, **more)


@pytest.fixture
def supply() -> Supply:
    """An npm project: express needs lodash; requests comes from a command."""
    express = Dependency(Ecosystem.NPM, "express", "^4", Place("package.json", 3))
    manifest = Manifest("package.json", "package.json", Ecosystem.NPM, (express,))
    packages = (
        locked("express", "4.19.0", 1, ("lodash",)),
        locked("lodash", "4.17.0", 2),
        locked("own", "1.0.0", 1, origin=Origin.WORKSPACE),
    )
    lock = Lock("package-lock.json", "package-lock.json", Ecosystem.NPM, packages, None, "package.json")
    install = Dependency(Ecosystem.PYPI, "requests", "", Place("SKILL.md", 8))
    return Supply((manifest,), (lock,), (install,))


@pytest.fixture
def report(supply: Supply) -> AuditReport:
    return audit_supply(supply, source=Source(), now=NOW)


@pytest.fixture
def ignoring(supply: Supply) -> AuditReport:
    entry = Ignore(id="CVE-2026-1", reason="Not reached.", expires=date(2027, 1, 31))
    return audit_supply(supply, source=Source(), settings=Settings(ignores=Ignores((entry,))), now=NOW)


def test_the_words_name_the_verdict_the_worst_issues_and_the_data(report: AuditReport) -> None:
    lines = list(to_text(report, "my-skill"))
    assert lines[0].startswith("FLAG  my-skill: 1 high, ")
    assert lines[1].startswith(
        "  high  package-lock.json:12: lodash 4.17.0: GHSA-1: Bad things; fixed in 2.0.0 [GHSA-1]"
    )
    assert lines[-1] == "  compared 2 versions with test data, as of 2026-11-22T12:00:00Z, 7 records"


def test_the_words_show_what_is_set_apart(ignoring: AuditReport) -> None:
    assert "  suppressed  package-lock.json:12: GHSA-1: Not reached. (until 2027-02-01T00:00:00Z)" in list(
        to_text(ignoring, "x")
    )


def test_the_words_say_what_was_not_checked(supply: Supply) -> None:
    report = audit_supply(supply, now=NOW)
    assert list(to_text(report, "x"))[-1] == "  NOT CHECKED  known vulnerabilities: no source of them was given"


def test_many_issues_are_cut_in_words_and_whole_in_json() -> None:
    names = [Dependency(Ecosystem.PYPI, f"package-{number}", ">=1", Place("r.txt", number)) for number in range(99)]
    report = audit_supply(Supply((Manifest("r.txt", "requirements.txt", Ecosystem.PYPI, tuple(names)),)), now=NOW)
    assert any("more (--json shows all)" in line for line in to_text(report, "x"))
    form: Any = to_json(report)
    assert len(form["findings"]) == len(report.issues)


def test_the_json_form_holds_all_about_an_issue(report: AuditReport) -> None:
    form: dict[str, Any] = to_json(report)
    [issue] = [row for row in form["findings"] if row["id"] == "vulnerable"]
    assert (issue["vulnerability"], issue["aliases"], issue["fixed_in"]) == ("GHSA-1", ["CVE-2026-1"], ["2.0.0"])
    assert (issue["dependency"], issue["version"], issue["ecosystem"]) == ("lodash", "4.17.0", "npm")
    assert form["vulnerability_data"] == [{"source": "test data", "as_of": "2026-11-22T12:00:00Z", "records": 7}]
    assert form["summary"] == {"critical": 0, "high": 1, "medium": 2, "low": 0}
    assert form["complete"] is True


def test_the_json_form_lists_every_package(report: AuditReport) -> None:
    form: Any = to_json(report)
    assert [(row["name"], row["pinned"], row["hashed"], row["depth"]) for row in form["dependencies"]] == [
        ("express", False, False, None),
        ("requests", False, False, None),
        ("express", True, True, 1),
        ("lodash", True, True, 2),
        ("own", True, True, 1),
    ]


def test_a_fingerprint_does_not_depend_on_the_line(report: AuditReport) -> None:
    issue = report.issues[0]
    moved = evolve(issue, place=Place(issue.path, 99))
    assert fingerprint(issue) == fingerprint(moved) != fingerprint(evolve(issue, vulnerability="GHSA-2"))


def sarif_of(report: AuditReport, skill: Path, root: Path) -> dict[str, Any]:
    form: Any = to_sarif(report, skill=skill, root=root)
    run: dict[str, Any] = form["runs"][0]
    return run


def test_the_sarif_form_has_a_rule_and_a_place_for_every_result(report: AuditReport, tmp_path: Path) -> None:
    run = sarif_of(report, tmp_path / "my skill", tmp_path)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "my%20skill/package-lock.json", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12}


def test_every_sarif_fingerprint_is_there_once(report: AuditReport, tmp_path: Path) -> None:
    twice = evolve(report, issues=report.issues * 2)
    marks = [row["partialFingerprints"]["haldirIssue/v1"] for row in sarif_of(twice, tmp_path, tmp_path)["results"]]
    assert len(set(marks)) == len(marks) == 2 * len(report.issues)


def test_suppressions_are_in_the_sarif_form(ignoring: AuditReport, tmp_path: Path) -> None:
    results = sarif_of(ignoring, tmp_path, tmp_path)["results"]
    assert [row["suppressions"][0]["justification"] for row in results if row["suppressions"]] == ["Not reached."]


def test_an_incomplete_audit_is_not_successful_in_the_sarif_form(supply: Supply, tmp_path: Path) -> None:
    [invocation] = sarif_of(audit_supply(supply, now=NOW), tmp_path, tmp_path)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "no source of them was given" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def bom(report: AuditReport) -> dict[str, Any]:
    return to_cyclonedx(report, name="my-skill", now=NOW)


def test_the_bill_of_materials_holds_every_package_and_what_it_needs(report: AuditReport) -> None:
    form = bom(report)
    assert [part["purl"] for part in form["components"]] == [
        "pkg:npm/express@4.19.0",
        "pkg:npm/lodash@4.17.0",
        "pkg:pypi/requests",
    ]
    edges = {row["ref"]: row["dependsOn"] for row in form["dependencies"]}
    assert edges["skill"] == ["pkg:npm/express@4.19.0", "pkg:pypi/requests"]
    assert edges["pkg:npm/express@4.19.0"] == ["pkg:npm/lodash@4.17.0"]


def test_the_bill_of_materials_says_which_package_a_vulnerability_is_about(report: AuditReport) -> None:
    [row] = bom(report)["vulnerabilities"]
    assert (row["id"], row["affects"]) == ("GHSA-1", [{"ref": "pkg:npm/lodash@4.17.0"}])
    assert row["analysis"] == {"state": "in_triage"}


def test_an_accepted_vulnerability_stays_exploitable_in_the_bill_of_materials(ignoring: AuditReport) -> None:
    [row] = bom(ignoring)["vulnerabilities"]
    assert (row["analysis"]["state"], row["analysis"]["response"]) == ("exploitable", ["will_not_fix"])


def test_the_same_report_gives_the_same_bill_of_materials(report: AuditReport) -> None:
    assert bom(report) == bom(report)


def test_an_openvex_statement_names_the_package_and_what_to_do(report: AuditReport) -> None:
    form: Any = to_openvex(report, now=NOW)
    [statement] = form["statements"]
    assert statement == {
        "vulnerability": {"name": "GHSA-1", "aliases": ["CVE-2026-1"]},
        "products": [{"@id": "pkg:npm/lodash@4.17.0"}],
        "status": "affected",
        "action_statement": "Update to 2.0.0.",
    }


def test_an_accepted_vulnerability_stays_affected_in_openvex(ignoring: AuditReport) -> None:
    form: Any = to_openvex(ignoring, now=NOW)
    assert [statement["status"] for statement in form["statements"]] == ["affected"]


def test_every_moment_in_every_form_ends_with_z(ignoring: AuditReport, tmp_path: Path) -> None:
    forms = [to_json(ignoring), bom(ignoring), to_openvex(ignoring, now=NOW)]
    text = json.dumps([*forms, to_sarif(ignoring, skill=tmp_path, root=tmp_path)])
    assert re.findall(r"20\d\d-\d\d-\d\dT[0-9:.]+(?!Z|[0-9:.])", text) == []


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ((f"sha256:{DIGEST}",), [("SHA-256", DIGEST)]),
        (("sha256-q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",), [("SHA-256", DIGEST)]),
        ((f"sha256:{DIGEST}", f"sha256:{'cd' * 32}"), []),
        (("sha512-AAAA", "h1:xyz", "", "sha256:zz"), []),
    ],
    ids=["hex", "base64", "several-files", "none"],
)
def test_hashes_are_written_as_the_format_has_them(written: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    assert hashes_of(written) == found


def test_texts_that_utf_8_cannot_hold_do_no_harm(tmp_path: Path) -> None:
    name = "a\ud800\u202e"
    one = Dependency(Ecosystem.NPM, name, name, Place(name, 1), version=name)
    report = audit_supply(Supply((Manifest(name, "package.json", Ecosystem.NPM, (one,)),)), now=NOW)
    forms = [bom(report), to_openvex(report, now=NOW), to_sarif(report, skill=tmp_path, root=tmp_path)]
    assert all(json.dumps(form, ensure_ascii=False).encode() for form in forms)
