import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st

import haldir_auditor
from haldir_auditor import (
    Answer,
    AuditReport,
    Comparison,
    Package,
    Settings,
    Severity,
    SourceError,
    Status,
    Vulnerability,
    VulnerabilityData,
    audit,
    audit_files,
    audit_supply,
)
from haldir_auditor._checks import CHECKS
from haldir_auditor.auditing import judge
from haldir_auditor.issues import NO_SOURCE, NOT_ASKED, Check, Issue
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Origin, Place, Problem, Scope, Supply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATA = VulnerabilityData("test data", datetime(2026, 11, 1, tzinfo=UTC), 3)


@frozen
class Known:
    """A source that knows some vulnerabilities by package name, and remembers what it was asked."""

    vulnerabilities: dict[str, tuple[Vulnerability, ...]] = field(factory=dict)
    unanswered: frozenset[str] = frozenset()
    yanked: frozenset[str] = frozenset()
    asked: list[Package] = field(factory=list)

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Answer from what is known."""
        self.asked.extend(packages)
        return Answer(
            DATA,
            {one: self.vulnerabilities[one.name] for one in packages if one.name in self.vulnerabilities},
            {one: "the service is down" for one in packages if one.name in self.unanswered},
            frozenset(one for one in packages if one.name in self.yanked),
        )


class Broken:
    """A source that cannot be asked."""

    def look_up(self, packages: Sequence[Package]) -> Answer:  # noqa: ARG002 - the interface has it
        """Fail."""
        raise SourceError("no database lies there: import one")


def flaw(severity: Severity = Severity.HIGH, name: str = "GHSA-1", *, malicious: bool = False) -> Vulnerability:
    return Vulnerability(name, ("CVE-2026-1",), "Bad things happen", severity, malicious, ("2.0.0",))


def pinned(name: str = "requests", version: str | None = "1.0.0", **more: Any) -> Dependency:  # noqa: ANN401 - any field of the record
    one = Dependency(
        Ecosystem.PYPI, name, f"=={version}", Place("requirements.txt", 1), version=version, hashes=("sha256:x",)
    )
    return evolve(one, **more)


def supply_of(*dependencies: Dependency, **more: Any) -> Supply:  # noqa: ANN401 - any field of the record
    manifest = Manifest("requirements.txt", "requirements.txt", Ecosystem.PYPI, dependencies)
    return evolve(Supply((manifest,)), **more)


def audited(supply: Supply, source: Known | Broken | None = None, settings: Settings | None = None) -> AuditReport:
    return audit_supply(supply, source=source, settings=settings or Settings(), now=NOW)


def rules(report: AuditReport) -> list[tuple[str, Severity]]:
    return [(issue.rule, issue.severity) for issue in report.issues]


def test_a_folder_is_read_and_audited(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "requirements.txt").write_text("requests>=2\n", encoding="utf-8")
    report = audit(tmp_path, now=NOW)
    assert (report.status, report.issues[0].path) == (Status.FLAG, "scripts/requirements.txt")


def test_what_signs_a_skill_is_not_audited(tmp_path: Path) -> None:
    (tmp_path / ".vault").mkdir()
    (tmp_path / ".vault" / "vetting-report.json").write_text('{"match": "pip install evil"}', encoding="utf-8")
    assert audit(tmp_path, now=NOW).issues == ()


def test_a_folder_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        audit(tmp_path / "missing", now=NOW)


def test_a_skill_without_dependencies_passes_and_is_complete_without_any_source() -> None:
    report = audit_files({"SKILL.md": b"---\nname: x\n---\nSay hello.\n"}, now=NOW)
    assert (report.status, report.issues, report.not_checked) == (Status.PASS, (), ())


def test_problems_of_reading_the_folder_are_issues() -> None:
    report = audit_files({}, problems=[Problem("too-large", "big.json is too large", Place("big.json"))], now=NOW)
    assert (report.status, report.issues[0].rule) == (Status.FLAG, "unreadable")


@pytest.mark.parametrize("kind", ["unparsable", "opaque", "too-large", "missing-include", "outside", "of-a-new-kind"])
def test_no_problem_of_the_readers_passes(kind: str) -> None:
    assert audited(Supply(problems=(Problem(kind, "what it is", Place("x", 1)),))).status is Status.FLAG


def test_code_that_decides_about_dependencies_does_not_pass() -> None:
    manifest = Manifest("setup.py", "setup.py", Ecosystem.PYPI, dynamic=True)
    assert rules(audited(Supply((manifest,)))) == [("dynamic-manifest", Severity.MEDIUM)]


@pytest.mark.parametrize(
    ("severities", "status"),
    [
        ((), Status.PASS),
        ((Severity.LOW,), Status.PASS),
        ((Severity.LOW, Severity.MEDIUM), Status.FLAG),
        ((Severity.HIGH,), Status.FLAG),
        ((Severity.CRITICAL, Severity.LOW), Status.REJECT),
    ],
    ids=["nothing", "low", "medium", "high", "critical"],
)
def test_the_worst_issue_decides(severities: tuple[Severity, ...], status: Status) -> None:
    check = CHECKS[0][0]
    assert judge(Issue(check, "m", Place(""), severity) for severity in severities) is status


def test_without_a_source_the_report_says_that_nothing_was_compared() -> None:
    report = audited(supply_of(pinned()))
    assert (report.complete, report.not_checked, report.vulnerability_data) == (False, (NO_SOURCE,), ())
    assert rules(report) == [("not-checked", Severity.LOW)]


def test_a_comparison_that_nobody_wanted_is_named_as_such() -> None:
    source = Known()
    report = audited(supply_of(pinned()), source, Settings(comparison=Comparison.NOT_ASKED))
    assert (report.not_checked, source.asked) == ((NOT_ASKED,), [])


def test_a_source_that_fails_is_not_clean() -> None:
    report = audited(supply_of(pinned()), Broken())
    assert report.not_checked == ("known vulnerabilities: no database lies there: import one",)
    assert not report.complete


def test_a_package_without_an_answer_is_not_clean() -> None:
    report = audited(supply_of(pinned(), pinned("idna")), Known(unanswered=frozenset({"idna"})))
    assert report.not_checked == ("idna 1.0.0: the service is down",)
    assert report.vulnerability_data == (DATA,)


def test_a_source_that_knows_nothing_bad_makes_the_audit_complete() -> None:
    report = audited(supply_of(pinned()), Known())
    assert (report.status, report.complete, report.issues) == (Status.PASS, True, ())
    assert report.counts["compared"] == 1


def test_a_vulnerability_has_the_severity_of_its_record_and_says_what_to_do() -> None:
    report = audited(supply_of(pinned()), Known({"requests": (flaw(),)}))
    [issue] = report.issues
    assert (issue.rule, issue.severity, issue.vulnerability) == ("vulnerable", Severity.HIGH, "GHSA-1")
    assert (issue.aliases, issue.fixed_in, issue.line) == (("CVE-2026-1",), ("2.0.0",), 1)
    assert "fixed in 2.0.0" in issue.message


def test_malware_always_rejects() -> None:
    bad = flaw(Severity.LOW, "MAL-2026-1", malicious=True)
    report = audited(supply_of(pinned(scope=Scope.DEVELOPMENT)), Known({"requests": (bad,)}))
    assert (report.status, rules(report)) == (Status.REJECT, [("malicious", Severity.CRITICAL)])


def test_a_critical_flaw_rejects_but_only_flags_in_what_developers_use() -> None:
    source = Known({"requests": (flaw(Severity.CRITICAL),)})
    assert audited(supply_of(pinned()), source).status is Status.REJECT
    assert audited(supply_of(pinned(scope=Scope.DEVELOPMENT)), source).status is Status.FLAG


def test_a_package_that_is_also_used_at_run_time_is_not_for_development_only() -> None:
    supply = supply_of(pinned(scope=Scope.DEVELOPMENT), pinned())
    assert audited(supply, Known({"requests": (flaw(Severity.CRITICAL),)})).status is Status.REJECT


def locked(name: str = "requests", version: str = "2.0.0", **more: Any) -> Locked:  # noqa: ANN401 - any field of the record
    one = Locked(Ecosystem.PYPI, name, version, f"{name} {version}", Place("uv.lock", 5), hashes=("sha256:x",), depth=1)
    return evolve(one, **more)


def with_lock(*packages: Locked, dependency: Dependency | None = None) -> Supply:
    open_one = dependency or Dependency(Ecosystem.PYPI, "requests", ">=1", Place("pyproject.toml", 4))
    manifest = Manifest("pyproject.toml", "pyproject.toml", Ecosystem.PYPI, (open_one,))
    return Supply((manifest,), (Lock("uv.lock", "uv.lock", Ecosystem.PYPI, packages, None, "pyproject.toml"),))


def test_only_locked_versions_are_asked_about_and_never_a_range() -> None:
    source = Known()
    audited(with_lock(locked(), locked("idna", "3.10", depth=2)), source)
    assert sorted(one.version for one in source.asked) == ["2.0.0", "3.10"]


def test_what_has_no_version_is_not_asked_about_and_does_not_pass() -> None:
    source = Known()
    report = audited(supply_of(pinned(version=None, range=">=1")), source)
    assert source.asked == []
    assert ("not-comparable", Severity.MEDIUM) in rules(report)


def test_what_has_no_version_is_named_for_each_file_once() -> None:
    supply = supply_of(pinned("idna", version=None, range=">=1"), pinned("certifi", version=None, range=">=1"))
    [issue] = [issue for issue in audited(supply, Known()).issues if issue.rule == "not-comparable"]
    assert issue.message == "2 packages were not compared with known vulnerabilities: idna, certifi"


def test_packages_of_conda_are_named_as_not_compared() -> None:
    one = Dependency(Ecosystem.CONDA, "numpy", "=1.26.4", Place("environment.yml", 4), version="1.26.4")
    manifest = Manifest("environment.yml", "environment.yml", Ecosystem.CONDA, (one,))
    assert ("not-comparable", Severity.LOW) in rules(audited(Supply((manifest,)), Known()))


def test_what_a_command_installs_in_one_version_is_asked_about() -> None:
    source = Known()
    install = Dependency(Ecosystem.NPM, "cowsay", "1.5.0", Place("SKILL.md", 9), Scope.INSTALLED, version="1.5.0")
    audited(Supply(installs=(install,)), source)
    assert source.asked == [Package(Ecosystem.NPM, "cowsay", "1.5.0")]


def test_what_lies_in_the_skill_itself_is_not_asked_about() -> None:
    source = Known()
    audited(with_lock(locked(), locked("own", "0.1.0", origin=Origin.WORKSPACE)), source)
    assert [one.name for one in source.asked] == ["requests"]


def test_bundled_packages_are_asked_about() -> None:
    source = Known()
    audited(supply_of(pinned(scope=Scope.BUNDLED)), source)
    assert [one.name for one in source.asked] == ["requests"]


def test_withdrawn_versions_are_reported_once_wherever_that_is_known_from() -> None:
    report = audited(
        with_lock(locked(yanked=True), locked("idna", "3.10")), Known(yanked=frozenset({"requests", "idna"}))
    )
    assert [issue.dependency and issue.dependency.name for issue in report.issues if issue.rule == "yanked"] == [
        "idna",
        "requests",
    ]


@pytest.mark.parametrize(
    ("age", "count"),
    [(timedelta(days=3), 0), (timedelta(days=3, seconds=-1), 1), (timedelta(0), 1), (timedelta(hours=-1), 1)],
    ids=["old-enough", "too-new", "now", "in-the-future"],
)
def test_versions_have_a_minimum_age(age: timedelta, count: int) -> None:
    report = audited(with_lock(locked(uploaded=NOW - age)), Known())
    assert len([issue for issue in report.issues if issue.rule == "too-new"]) == count


def test_the_worst_issues_come_first() -> None:
    report = audited(supply_of(pinned(), pinned("reqeusts")), Known({"requests": (flaw(Severity.CRITICAL),)}))
    ranks = [issue.severity.rank for issue in report.issues]
    assert ranks == sorted(ranks, reverse=True)


def test_an_issue_has_the_six_properties_that_the_pipeline_reads() -> None:
    issue = audited(supply_of(pinned()), Known({"requests": (flaw(),)})).issues[0]
    found = (issue.rule, issue.category, issue.severity, issue.message, issue.path, issue.line)
    assert found == ("vulnerable", "vulnerability", "high", issue.message, "requirements.txt", 1)


def test_no_message_is_longer_than_a_vetting_report_takes() -> None:
    name = "x" * 5_000 + "\n\x1b[31m"
    dependency = Dependency(
        Ecosystem.NPM,
        name,
        name,
        Place(name, 1),
        origin=Origin.GIT,
        locator=name,
        alias="lodash",
        index=f"https://{name}",
    )
    supply = Supply(
        (Manifest(name, "package.json", Ecosystem.NPM, (dependency,), indexes=(f"http://{name}",)),),
        installs=(evolve(dependency, origin=Origin.INDEX),),
        problems=(Problem("unparsable", name, Place(name)),),
    )
    report = audited(supply, Broken())
    assert [issue for issue in report.issues if len(issue.message) > 1_000 or not issue.message.isprintable()] == []


def test_every_check_has_an_id_of_its_own_and_words_for_people() -> None:
    checks = [check for check, _ in CHECKS]
    assert len({check.id for check in checks}) == len(checks)
    assert [check.id for check in checks if not (check.title and check.explanation and check.remedy)] == []


def test_checks_are_values() -> None:
    assert all(isinstance(check, Check) for check, _ in CHECKS)


_TEXT = st.text(max_size=12)
_ECOSYSTEMS = st.sampled_from(list(Ecosystem))
_PLACES = st.builds(Place, st.sampled_from(["a", "b/package.json", "SKILL.md", "x.py"]), st.integers(0, 9))
_DEPENDENCIES = st.builds(
    Dependency,
    _ECOSYSTEMS,
    _TEXT,
    _TEXT,
    _PLACES,
    st.sampled_from(list(Scope)),
    origin=st.sampled_from(list(Origin)),
    version=st.none() | _TEXT,
    locator=st.none() | _TEXT,
    hashes=st.lists(_TEXT, max_size=2).map(tuple),
    alias=st.none() | _TEXT,
    index=st.none() | _TEXT,
)
_LOCKED = st.builds(
    Locked,
    _ECOSYSTEMS,
    _TEXT,
    _TEXT,
    _TEXT,
    _PLACES,
    origin=st.sampled_from(list(Origin)),
    resolved=st.none() | _TEXT,
    needs=st.lists(_TEXT, max_size=2).map(tuple),
    depth=st.none() | st.integers(1, 9),
    install_script=st.booleans(),
    alias=st.none() | _TEXT,
)
_SUPPLIES = st.builds(
    Supply,
    st.lists(
        st.builds(
            Manifest,
            st.sampled_from(["package.json", "b/pyproject.toml", "r.in", "r.txt"]),
            st.sampled_from(["package.json", "pyproject.toml", "requirements.txt", "pep723"]),
            _ECOSYSTEMS,
            st.lists(_DEPENDENCIES, max_size=3).map(tuple),
            indexes=st.lists(_TEXT, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    st.lists(
        st.builds(
            Lock,
            st.sampled_from(["package-lock.json", "b/uv.lock"]),
            st.just("x"),
            _ECOSYSTEMS,
            st.lists(_LOCKED, max_size=3).map(tuple),
            manifest=st.none() | st.just("package.json"),
            opaque=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    installs=st.lists(_DEPENDENCIES, max_size=2).map(tuple),
    mentions=st.lists(_DEPENDENCIES, max_size=2).map(tuple),
)


@given(_SUPPLIES)
def test_no_supply_makes_the_checks_or_the_reports_fail(supply: Supply) -> None:
    from haldir_auditor import to_cyclonedx, to_json, to_openvex, to_sarif, to_text  # noqa: PLC0415 - this test only

    report = audited(supply, Known())
    forms = [to_json(report), to_cyclonedx(report, name="x", now=NOW), to_openvex(report, now=NOW)]
    forms.append(to_sarif(report, skill=Path("x"), root=Path()))
    assert all(json.dumps(form) for form in forms)
    assert list(to_text(report, "x"))


@pytest.mark.parametrize("page", ["docstring", "README.md"])
def test_the_example_that_people_read_first_does_what_it_says(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    text = (haldir_auditor.__doc__ or "") if page == "docstring" else readme.read_text(encoding="utf-8")
    lines = [line.strip() for line in text[text.index("from datetime") :].splitlines()]
    code = lines[: next(number for number, line in enumerate(lines) if line.startswith("# ")) + 1]
    exec("\n".join(code), {})  # noqa: S102 - our own example
    assert capsys.readouterr().out.strip() == code[-1].removeprefix("# ")


def test_what_is_left_when_the_time_is_over_prevents_a_pass(tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_text("Say hello.\n", encoding="utf-8")
    asked = iter((False, True))
    assert audit(tmp_path, now=NOW, is_time_over=lambda: next(asked)).status is Status.PASS
    (tmp_path / "more.md").write_text("Say goodbye.\n", encoding="utf-8")
    asked = iter((False, True))
    report = audit(tmp_path, now=NOW, is_time_over=lambda: next(asked))
    assert report.status is Status.FLAG
    assert [(problem.kind, problem.place.path) for problem in report.supply.problems] == [("too-large", "more.md")]
