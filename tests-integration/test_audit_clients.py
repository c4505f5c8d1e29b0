"""What real clients find with the service of the auditor's tests, our audit finds too, over both of our sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_auditor import AuditReport, audit_files
from haldir_auditor.vulnerabilities.opening import open_source

TREE = Path(__file__).parents[1]
TESTS = TREE / "packages" / "haldir-auditor" / "tests"
CLIENTS = TESTS / "data" / "clients"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NOWHERE = {"HTTP_PROXY": "", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
"""What is not on loopback cannot be reached."""

Found = dict[tuple[str, str], list[set[str]]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Start the service as a process of its own and return its address."""
    command = [sys.executable, str(TESTS / "osv_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate(timeout=10)


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest, url: str) -> Path:
    """Return a copy of a client's project, whose index is the service: clients ask it for more than advisories."""
    name: str = request.param
    folder = tmp_path / name
    shutil.copytree(CLIENTS / name, folder)
    for path in folder.iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("https://index.example", url), encoding="utf-8")
    return folder


def client(project: Path, *command: str | Path) -> dict[str, Any]:
    """Run a client that finds something, and return what it says as JSON."""
    environment = {**os.environ, **NOWHERE}
    run = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1, run.stderr
    said: dict[str, Any] = json.loads(run.stdout)
    return said


def ours(project: Path, url: str) -> list[AuditReport]:
    """Audit a project with the service, and with a database of the same records."""
    files = {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()}
    sources = [open_source(osv_url=url, now=lambda: NOW), open_source(TESTS / "data" / "advisories")]
    return [audit_files(files, source=source, now=NOW) for source in sources]


def assert_all_found(theirs: Found, reports: list[AuditReport]) -> None:
    """Assert that each vulnerability that a client found is in each report, under one of its names."""
    for report in reports:
        assert not report.not_checked
        known = {
            (issue.dependency.name, name)
            for issue in report.issues
            if issue.dependency is not None and issue.vulnerability is not None
            for name in (issue.vulnerability, *issue.aliases)
        }
        missing = [
            (package, names)
            for (package, _), vulnerabilities in theirs.items()
            for names in vulnerabilities
            if not any((package, name) in known for name in names)
        ]
        assert not missing


@pytest.mark.parametrize("project", ["pip"], indirect=True)
def test_pip_audit_finds_nothing_that_we_do_not(project: Path, url: str) -> None:
    options = ("-r", "requirements.txt", "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    said = client(project, sys.executable, "-m", "pip_audit", "-s", "osv", "--osv-url", f"{url}/v1/query", *options)
    theirs: Found = {
        (one["name"], one["version"]): [{each["id"], *each["aliases"]} for each in one["vulns"]]
        for one in said["dependencies"]
    }
    assert sum(map(len, theirs.values())) == 8
    assert_all_found(theirs, ours(project, url))


@pytest.mark.parametrize("project", ["uv"], indirect=True)
def test_uv_audit_finds_nothing_that_we_do_not(project: Path, url: str) -> None:
    options = ("--frozen", "--no-cache", "--preview-features", "audit,json-output", "--output-format", "json")
    said = client(project, TREE / "scripts" / "uv", "audit", "--service-url", url, "--service-format", "osv", *options)
    theirs: Found = {}
    for one in said["vulnerabilities"]:
        package = (one["dependency"]["name"], one["dependency"]["version"])
        theirs.setdefault(package, []).append({one["id"], *one["aliases"]})
    assert sum(map(len, theirs.values())) == 8
    assert_all_found(theirs, ours(project, url))


@pytest.mark.parametrize("project", ["npm"], indirect=True)
def test_npm_audit_finds_nothing_that_we_do_not(project: Path, url: str, tmp_path: Path) -> None:
    """It evaluates the ranges by itself: the service only says what they are."""
    options = ("--json", "--package-lock-only", "--no-update-notifier", "--cache", tmp_path / "cache")
    said = client(project, "npm", "audit", "--registry", url, *options)
    theirs: Found = {
        (name, ""): [set(re.findall(r"(?:GHSA|MAL)-[\w-]+", via["url"])) for via in one["via"]]
        for name, one in said["vulnerabilities"].items()
    }
    assert sum(map(len, theirs.values())) == 8
    assert_all_found(theirs, ours(project, url))


@pytest.mark.parametrize("project", ["npm"], indirect=True)
def test_our_own_client_of_the_registry_finds_what_npm_audit_finds(project: Path, url: str, tmp_path: Path) -> None:
    options = ("--json", "--package-lock-only", "--no-update-notifier", "--cache", tmp_path / "cache")
    said = client(project, "npm", "audit", "--registry", url, *options)
    files = {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()}
    report = audit_files(files, source=open_source(npm_registry=url, now=lambda: NOW), now=NOW)
    assert not report.not_checked
    assert {issue.dependency.name for issue in report.issues if issue.vulnerability and issue.dependency} == set(
        said["vulnerabilities"]
    )
