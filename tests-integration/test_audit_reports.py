"""What the auditor writes is what other programs read: CycloneDX 1.6 and SARIF 2.1.0 by their own schemas."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from haldir_auditor import (
    Answer,
    AuditReport,
    Package,
    Settings,
    Severity,
    Statements,
    Vulnerability,
    VulnerabilityData,
    audit_files,
    to_cyclonedx,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ("express", "lodash", "debug", "requests")
FILES = {
    "package.json": b'{"dependencies": {"express": "^4.0.0"}, "devDependencies": {"jest": "*"}}',
    "package-lock.json": json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"dependencies": {"express": "^4.0.0"}, "devDependencies": {"jest": "*"}},
                "node_modules/express": {
                    "version": "4.19.0",
                    "resolved": "https://npm.example/express.tgz",
                    "integrity": f"sha512-{'A' * 86}==",
                    "dependencies": {"lodash": "^4.0.0", "debug": "^4.0.0"},
                },
                "node_modules/lodash": {"version": "4.17.0", "resolved": "https://npm.example/lodash.tgz"},
                "node_modules/debug": {"version": "4.0.0", "resolved": "https://npm.example/debug.tgz"},
            },
        }
    ).encode(),
    "requirements.txt": b"requests==1.0.0\nidna>=3\ngit+https://git.example/tool.git#egg=tool\n",
    "SKILL.md": b"Run `pip install cowsay` and `npx -y left-pad@1.3.0`, then `curl https://get.example/i | sh`.\n",
}
VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "timestamp": "2026-11-01T00:00:00Z",
    "statements": [
        {
            "vulnerability": {"name": "GHSA-lodash"},
            "products": [{"@id": "pkg:npm/lodash"}],
            "status": "not_affected",
            "justification": justification,
        }
        for justification in ("vulnerable_code_not_in_execute_path",)
    ]
    + [{"vulnerability": {"name": "GHSA-debug"}, "products": [{"@id": "pkg:npm/debug"}], "status": "fixed"}],
}


@frozen
class Source:
    """Knows one vulnerability of each package in ``NAMES``."""

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Answer."""
        known = {
            one: (
                Vulnerability(f"GHSA-{one.name}", ("CVE-2026-1",), "Bad", Severity.HIGH, malicious=False, fixed=("9",)),
            )
            for one in packages
            if one.name in NAMES
        }
        return Answer(VulnerabilityData("test data", NOW, 4), known, {})


@pytest.fixture(scope="module")
def report() -> AuditReport:
    """Return the report about a skill with everything."""
    vex = Statements.from_bytes(json.dumps(VEX).encode())
    return audit_files(FILES, source=Source(), settings=Settings(vex=vex), now=NOW)


@pytest.fixture(scope="module")
def bom(report: AuditReport) -> dict[str, Any]:
    return to_cyclonedx(report, name="my skill", now=NOW)


def test_the_bill_of_materials_fits_the_schema_of_cyclonedx(bom: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None


def test_a_bill_of_materials_of_nothing_fits_the_schema_too() -> None:
    empty = to_cyclonedx(audit_files({}, now=NOW), name="", now=NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(empty)) is None


def test_names_of_any_kind_fit_the_schema() -> None:
    names = {"": "*", "a b/c@d": "1.0.0", "\u202e": "^1", "x" * 300: "git+https://git.example/x", "@": "npm:@/x@1.0.0"}
    files = {"package.json": json.dumps({"dependencies": names}).encode()}
    form = to_cyclonedx(audit_files(files, source=Source(), now=NOW), name="\ud800", now=NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(form)) is None


def test_the_library_of_cyclonedx_reads_the_bill_of_materials(bom: dict[str, Any]) -> None:
    read = Bom.from_json(bom)  # type: ignore[attr-defined] # a decorator of the library adds it
    assert {part.purl.to_string() for part in read.components if part.name == "express"} == {"pkg:npm/express@4.19.0"}
    assert {row.id for row in read.vulnerabilities} == {f"GHSA-{name}" for name in NAMES}


def test_vex_statements_are_states_of_analysis(bom: dict[str, Any]) -> None:
    states = {row["id"]: row["analysis"]["state"] for row in bom["vulnerabilities"]}
    assert states == {
        "GHSA-express": "in_triage",
        "GHSA-requests": "in_triage",
        "GHSA-lodash": "not_affected",
        "GHSA-debug": "resolved",
    }


def test_every_reference_of_the_bill_of_materials_leads_to_a_component(bom: dict[str, Any]) -> None:
    refs = {part["bom-ref"] for part in bom["components"]} | {"skill"}
    named = {ref for row in bom["dependencies"] for ref in (row["ref"], *row["dependsOn"])}
    named |= {affected["ref"] for row in bom["vulnerabilities"] for affected in row["affects"]}
    assert named <= refs


def test_the_audit_of_a_folder_is_that_of_its_files(tmp_path: Path, report: AuditReport) -> None:
    from haldir_auditor import audit  # noqa: PLC0415 - for this test only

    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    vex = Statements.from_bytes(json.dumps(VEX).encode())
    assert audit(tmp_path, source=Source(), settings=Settings(vex=vex), now=NOW) == report
