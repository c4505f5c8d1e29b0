"""What the auditor of the TypeScript Haldir gets wrong: each of its known faults is one test."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from attrs import field, frozen

from haldir_auditor import (
    Answer,
    AuditReport,
    Comparison,
    Package,
    Settings,
    Severity,
    Status,
    VulnerabilityData,
    audit_files,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BLOCK = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "requests{}",\n# ]\n# ///\nprint(1)\n'
EXACT = {"dependencies": {"express": "4.19.0"}}


@frozen
class Asked:
    """A source that knows nothing and remembers what it was asked."""

    packages: list[Package] = field(factory=list)

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Answer that nothing is known."""
        self.packages.extend(packages)
        return Answer(VulnerabilityData("test", NOW, 0), {}, {})


def audited(files: Mapping[str, object], source: Asked | None = None) -> AuditReport:
    """Audit files whose content is a text, or an object that is written as JSON."""
    texts = {path: content if isinstance(content, str) else json.dumps(content) for path, content in files.items()}
    settings = Settings(comparison=Comparison.WANTED if source else Comparison.NOT_ASKED)
    return audit_files({path: text.encode() for path, text in texts.items()}, source=source, settings=settings, now=NOW)


def found(report: AuditReport, rule: str) -> list[tuple[str, Severity]]:
    return [(issue.path, issue.severity) for issue in report.issues if issue.rule == rule]


def test_a_manifest_in_a_sub_folder_is_seen() -> None:
    report = audited({"sub/folder/requirements.txt": "requests\n"})
    assert found(report, "wildcard") == [("sub/folder/requirements.txt", Severity.HIGH)]


def test_the_real_form_of_a_pep_723_block_is_seen_and_critical() -> None:
    report = audited({"scripts/run.py": BLOCK.format(">=2")})
    assert (report.status, found(report, "deferred-dependencies")) == (
        Status.REJECT,
        [("scripts/run.py", Severity.CRITICAL)],
    )


def test_a_script_without_extension_is_seen() -> None:
    report = audited({"run": "#!/usr/bin/env -S uv run --script\n" + BLOCK.format("")})
    assert found(report, "deferred-dependencies") == [("run", Severity.CRITICAL)]


def test_a_fixed_pep_723_block_flags() -> None:
    report = audited({"run.py": BLOCK.format("==2.32.3")})
    assert (report.status, found(report, "deferred-dependencies")) == (Status.FLAG, [("run.py", Severity.MEDIUM)])


def test_depth_is_that_of_the_graph_and_not_of_the_folders() -> None:
    names = [f"p{number}" for number in range(12)]
    entries = {
        f"node_modules/{name}": {
            "version": "1.0.0",
            "integrity": f"sha512-{'A' * 86}==",
            "dependencies": {below: "1.0.0"},
        }
        for name, below in zip(names, [*names[1:], "p11"], strict=True)
    }
    lock = {"lockfileVersion": 3, "packages": {"": {"dependencies": {"p0": "1.0.0"}}, **entries}}
    report = audited({"package.json": {"dependencies": {"p0": "1.0.0"}}, "package-lock.json": lock})
    assert report.counts["depth"] == 12
    assert found(report, "too-deep") == [("package-lock.json", Severity.MEDIUM)]


def test_a_typosquat_is_reported() -> None:
    assert found(audited({"package.json": {"dependencies": {"expres": "4.19.0"}}}), "typosquat") == [
        ("package.json", Severity.MEDIUM)
    ]


def test_a_range_is_never_asked_about() -> None:
    source = Asked()
    audited({"package.json": {"dependencies": {"express": "^4.0.0"}}, "requirements.txt": "requests>=2\n"}, source)
    assert source.packages == []


def test_packages_of_python_are_asked_about() -> None:
    source = Asked()
    audited({"requirements.txt": "requests[socks]==2.32.3 ; python_version > '3'\n"}, source)
    assert [(one.name, one.version) for one in source.packages] == [("requests", "2.32.3")]


def test_a_requirements_file_is_not_its_own_lock_file() -> None:
    assert found(audited({"requirements.txt": "requests==2.32.3\n"}), "lock-missing") == [
        ("requirements.txt", Severity.MEDIUM)
    ]


@pytest.mark.parametrize("name", ["package.json", "pyproject.toml", "uv.lock", "package-lock.json", "Cargo.toml"])
@pytest.mark.parametrize(
    "content", ["{", "null", "\x00\x01", '"text"', "[[[["], ids=["open", "null", "bytes", "text", "lists"]
)
def test_an_unreadable_manifest_never_passes(name: str, content: str) -> None:
    assert audited({name: content}).status is not Status.PASS


def test_a_number_for_a_version_is_no_crash_and_no_pass() -> None:
    assert audited({"package.json": {"dependencies": {"express": 4}}}).status is not Status.PASS


def test_development_dependencies_are_seen() -> None:
    report = audited({"package.json": {"devDependencies": {"jest": "^29"}}})
    assert found(report, "unpinned") == [("package.json", Severity.MEDIUM)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Cargo.toml", '[dependencies]\nserde = "*"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nrequests = "*"\n'),
        ("Pipfile", '[packages]\nrequests = "*"\n'),
        ("requirements/base.txt", "requests\n"),
    ],
    ids=["cargo", "poetry", "pipfile", "requirements-folder"],
)
def test_the_manifests_that_it_does_not_know_are_seen(name: str, content: str) -> None:
    assert [severity for _, severity in found(audited({name: content}), "wildcard")] == [Severity.HIGH]


def test_an_include_is_followed() -> None:
    report = audited({"requirements.txt": "-r more.list\n", "more.list": "requests\n"})
    assert found(report, "wildcard") == [("more.list", Severity.HIGH)]


def test_a_shrinkwrap_and_a_text_lock_of_bun_are_lock_files() -> None:
    packages = {"": EXACT, "node_modules/express": {"version": "4.19.0", "integrity": f"sha512-{'A' * 86}=="}}
    shrinkwrap = {"lockfileVersion": 3, "packages": packages}
    assert found(audited({"package.json": EXACT, "npm-shrinkwrap.json": shrinkwrap}), "lock-missing") == []


def test_no_comparison_means_that_nobody_is_asked() -> None:
    report = audited({"package.json": EXACT})
    assert (report.vulnerability_data, report.not_checked) == ((), ("known vulnerabilities: not asked for",))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("SKILL.md", "First run `pip install requests`.\n"),
        ("SKILL.md", "```sh\nnpx -y some-tool@latest\n```\n"),
        ("run.sh", "uvx ruff check .\n"),
        ("run.py", "import subprocess\nsubprocess.run(['pip', 'install', 'requests'])\n"),
    ],
    ids=["prose", "fence", "shell", "python"],
)
def test_what_is_installed_at_run_time_is_seen(path: str, text: str) -> None:
    report = audit_files({path: text.encode()}, now=NOW)
    assert report.status is Status.FLAG
    assert [issue.path for issue in report.issues if issue.rule == "undeclared-install"] == [path]


@pytest.mark.parametrize(
    "text",
    [
        "---\nname: hello\n---\nSay hello to the user.\n",
        "Use the `json` module of Python, and `git` and `grep`.\n",
        "We do not need pip or npm for this.\n",
        "Run `python scripts/run.py --verbose`.\n",
    ],
    ids=["plain", "modules", "words", "script"],
)
def test_an_honest_skill_without_dependencies_passes_without_issues(text: str) -> None:
    report = audit_files(
        {"SKILL.md": text.encode(), "scripts/run.py": b"import json\nprint(json.dumps({}))\n"}, now=NOW
    )
    assert (report.status, report.issues, report.complete) == (Status.PASS, (), True)
