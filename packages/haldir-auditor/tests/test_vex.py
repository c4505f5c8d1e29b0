import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from haldir_auditor import (
    Answer,
    AuditReport,
    DocumentError,
    Package,
    Settings,
    Severity,
    Statements,
    VexStatus,
    Vulnerability,
    VulnerabilityData,
    read_vex,
    to_openvex,
)
from haldir_auditor._purl import PackageUrl, parse_purl, to_purl
from haldir_auditor.auditing import audit_supply
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Place, Supply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PURL = "pkg:pypi/django@4.2.0"
JUSTIFIED = {"status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}


@frozen
class OneFlaw:
    """A source that knows one thing about every package."""

    malicious: bool = False

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return the same vulnerability for all."""
        name = "MAL-2026-1" if self.malicious else "GHSA-1"
        known = Vulnerability(name, ("CVE-2026-1",), "Bad", Severity.HIGH, self.malicious)
        return Answer(VulnerabilityData("test", NOW, 1), dict.fromkeys(packages, (known,)), {})


def statement(**change: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"vulnerability": {"name": "CVE-2026-1"}, "products": [{"@id": PURL}], **JUSTIFIED, **change}


def document(*statements: dict[str, Any], **change: Any) -> bytes:  # noqa: ANN401 - JSON
    form = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://vex.example/1",
        "author": "somebody",
        "timestamp": "2026-11-01T00:00:00Z",
        "version": 1,
        "statements": list(statements),
    }
    return json.dumps(form | change).encode()


def audited(*documents: bytes, malicious: bool = False) -> AuditReport:
    one = Dependency(
        Ecosystem.PYPI, "django", "==4.2.0", Place("requirements.txt", 1), version="4.2.0", hashes=("sha256:x",)
    )
    supply = Supply((Manifest("requirements.txt", "requirements.txt", Ecosystem.PYPI, (one,)),))
    vex = Statements()
    for data in documents:
        vex += Statements.from_bytes(data)
    return audit_supply(supply, source=OneFlaw(malicious), settings=Settings(vex=vex), now=NOW)


def test_a_justified_statement_sets_the_issue_apart() -> None:
    report = audited(document(statement()))
    [item] = report.suppressed
    assert report.issues == ()
    assert item.reason == "VEX: not_affected (vulnerable_code_not_in_execute_path)"


def test_a_fixed_package_is_set_apart() -> None:
    [item] = audited(document(statement(status="fixed", justification=""))).suppressed
    assert item.vex == VexStatus.FIXED


@pytest.mark.parametrize(
    "change",
    [
        {"status": "affected", "justification": ""},
        {"status": "under_investigation", "justification": ""},
        {"justification": ""},
        {"vulnerability": {"name": "CVE-2026-2"}},
        {"products": [{"@id": "pkg:pypi/django@4.2.1"}]},
        {"products": [{"@id": "pkg:npm/django@4.2.0"}]},
        {"products": [{"@id": "pkg:pypi/flask"}]},
        {"products": []},
        {"products": [{"@id": PURL, "subcomponents": [{"@id": "pkg:pypi/other"}]}]},
    ],
    ids=["affected", "investigated", "unjustified", "other-id", "version", "type", "name", "none", "component"],
)
def test_a_statement_that_does_not_settle_it_changes_nothing(change: dict[str, Any]) -> None:
    report = audited(document(statement(**change)))
    assert ([issue.rule for issue in report.issues], report.suppressed) == (["vulnerable"], ())


@pytest.mark.parametrize(
    "change",
    [
        {"vulnerability": {"name": "GHSA-1"}},
        {"vulnerability": "CVE-2026-1"},
        {"vulnerability": {"name": "X-1", "aliases": ["GHSA-1"]}},
        {"products": [{"@id": "pkg:pypi/Django"}]},
        {"products": ["pkg:pypi/django"]},
        {"products": [{"@id": "pkg:oci/skill", "subcomponents": [{"@id": PURL}]}]},
        {"products": [{"@id": "https://x.example/", "identifiers": {"purl": f"{PURL}?a=b#c"}}]},
    ],
    ids=["id", "text", "alias", "any-version", "text-product", "component", "identifier"],
)
def test_a_statement_finds_its_issue_in_every_form(change: dict[str, Any]) -> None:
    assert len(audited(document(statement(**change))).suppressed) == 1


def test_the_latest_statement_counts() -> None:
    old, new = document(statement()), document(statement(status="affected", timestamp="2026-11-20T00:00:00Z"))
    assert audited(new, old).suppressed == ()


def test_no_statement_excuses_malware() -> None:
    report = audited(document(statement()), malicious=True)
    assert ([issue.rule for issue in report.issues], report.suppressed) == (["malicious"], ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"@context": "https://other.example"}, "is no OpenVEX document"),
        ({"timestamp": "yesterday"}, "timestamp must be a moment"),
        ({"timestamp": "2026-11-01T00:00:00"}, "timestamp must be a moment"),
        ({"statements": {}}, "statements must be a list"),
        ({"statements": [7]}, "statement 1: must be an object"),
        ({"statements": [statement(status="fine")]}, "status must be one of"),
        ({"statements": [statement(justification="trust me")]}, "justification must be one of"),
        ({"statements": [statement(vulnerability={})]}, "vulnerability must have a name"),
    ],
    ids=["context", "no-moment", "no-zone", "no-list", "no-object", "status", "justification", "name"],
)
def test_what_is_no_openvex_document_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        Statements.from_bytes(document(statement(), **change))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        Statements.from_bytes(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "@id", "x"]), inner),
    max_leaves=8,
)


@given(st.sampled_from(["vulnerability", "products", "status", "justification", "timestamp"]), _JSON)
def test_any_value_in_a_statement_is_read_or_refused(key: str, value: object) -> None:
    with contextlib.suppress(DocumentError):
        audited(document(statement(**{key: value})))


def test_a_document_in_the_skill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vex.json").write_bytes(document(statement()))
    with pytest.raises(DocumentError, match="must not choose what is ignored"):
        read_vex(tmp_path / "vex.json", audited=tmp_path)


def test_what_is_written_is_read_back() -> None:
    report = audited(document(statement()))
    written = json.dumps(to_openvex(report, now=NOW)).encode()
    [item] = audited(written).suppressed
    assert item.justification == "vulnerable_code_not_in_execute_path"


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "purl"),
    [
        (Ecosystem.PYPI, "django", "4.2.0", PURL),
        (Ecosystem.NPM, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
        (Ecosystem.GO, "golang.example/x/net", "v0.1.0", "pkg:golang/golang.example/x/net@v0.1.0"),
        (Ecosystem.CARGO, "serde", "1.0.0+x", "pkg:cargo/serde@1.0.0%2Bx"),
        (Ecosystem.NPM, "lodash", None, "pkg:npm/lodash"),
    ],
    ids=["pypi", "npm", "go", "cargo", "any"],
)
def test_package_urls_are_written_and_read(ecosystem: Ecosystem, name: str, version: str | None, purl: str) -> None:
    assert to_purl(ecosystem, name, version) == purl
    assert parse_purl(purl) == PackageUrl(ecosystem, name, version)


@pytest.mark.parametrize(
    "text", ["", "pkg:", "pkg:pypi", "pkg:pypi/", "pkg:oci/x@1", "pypi/django", "pkg:pypi/@1"], ids=repr
)
def test_what_is_no_package_url_names_nothing(text: str) -> None:
    assert parse_purl(text) is None


def test_a_scope_that_is_not_encoded_is_understood() -> None:
    assert parse_purl("pkg:npm/@babel/core@7.0.0") == PackageUrl(Ecosystem.NPM, "@babel/core", "7.0.0")
    assert parse_purl("pkg:npm/@babel/core") == PackageUrl(Ecosystem.NPM, "@babel/core")


@given(st.text())
def test_any_text_is_a_package_url_or_none(text: str) -> None:
    assert parse_purl(text) is None or text.startswith("pkg:")
    assert to_purl(Ecosystem.NPM, text, text).startswith("pkg:npm/")
