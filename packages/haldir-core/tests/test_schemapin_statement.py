import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.digest import sha256
from haldir_core.errors import MalformedError
from haldir_core.schemapin import Moment, PrivateKey, ScanResult, Statement, Subject
from haldir_core.schemapin.scans import MAX_VERSION_CHARACTERS
from haldir_core.schemapin.statement import read_signed, signed_members

KEY = PrivateKey.generate(lambda count: b"\7" * count)
SCAN = ScanResult(passed=True, scanner_version="haldir-scanner 0.1.0", ruleset_hash=sha256(b"rules"))
STATEMENT = Statement(
    subject=Subject.SKILL,
    name="weather",
    domain="tools.example",
    tool_id="weather",
    root_v1=b"\1" * 32,
    root_v2=b"\2" * 32,
    signed_at=Moment.parse("2026-01-31T12:00:00Z"),
    expires_at=Moment.parse("2027-01-31T12:00:00Z"),
    schema_version="1.0",
    previous_hash=sha256(b"before"),
    scan=SCAN,
)


def _json() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(json.dumps(STATEMENT.to_json()))
    return value


def test_a_statement_is_read_as_it_was_written() -> None:
    assert Statement.from_json(_json()) == STATEMENT


def test_a_statement_is_an_in_toto_statement() -> None:
    value = _json()

    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["subject"] == [{"name": "weather", "digest": {"sha256": "02" * 32}}]
    assert value["predicateType"].endswith("/schemapin/skill/v1.5")


def test_what_was_signed_is_read_again() -> None:
    assert read_signed(signed_members(STATEMENT, KEY), KEY.public_key) == STATEMENT


def test_the_order_of_members_is_not_signed() -> None:
    members: dict[str, Any] = json.loads(json.dumps(signed_members(STATEMENT, KEY), sort_keys=True, indent=1))

    assert read_signed(members, KEY.public_key) == STATEMENT


@pytest.mark.parametrize("extra", [{}, {"signatures": [{"kid": "x"}]}, {"signatures": 5}, {"statement": None}], ids=str)
def test_what_is_no_statement_of_ours_is_none(extra: dict[str, Any]) -> None:
    assert read_signed(extra, KEY.public_key) is None


def _set(place: str, value: object) -> dict[str, Any]:
    document = _json()
    *outer, last = place.split("/")
    inner: Any = document
    for part in outer:
        inner = inner[int(part) if part.isdigit() else part]
    inner[last] = value
    return document


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1"),
        ("predicateType", "https://haldir.example/spec/schemapin/skill/v1.6"),
        ("predicateType", 5),
        ("predicate", None),
        ("predicate", []),
        ("subject", []),
        ("subject", {}),
        ("subject", [5]),
        ("subject", [{}, {}]),
        ("subject/0/name", ""),
        ("subject/0/digest", {}),
        ("subject/0/digest/sha256", "01" * 32),
        ("predicate/domain", None),
        ("predicate/tool_id", 5),
        ("predicate/root_v1", "01" * 31),
        ("predicate/root_v2", "0A" * 32),
        ("predicate/signed_at", "yesterday"),
        ("predicate/expires_at", "tomorrow"),
        ("predicate/expires_at", 5),
        ("predicate/schema_version", 5),
        ("predicate/previous_hash", []),
        ("predicate/canonicalization", "jcs"),
        ("predicate/scan", 5),
        ("predicate/scan/scan_passed", 1),
        ("predicate/scan/scan_passed", None),
        ("predicate/scan/scanner_version", ""),
        ("predicate/scan/scanner_version", "x" * (MAX_VERSION_CHARACTERS + 1)),
        ("predicate/scan/ruleset_hash", "sha256:"),
        ("predicate/scan/ruleset_hash", None),
    ],
)
def test_a_statement_with_a_member_of_another_form_is_refused(place: str, value: object) -> None:
    with pytest.raises(MalformedError):
        Statement.from_json(_set(place, value))


def test_an_unknown_member_of_the_predicate_is_allowed() -> None:
    assert Statement.from_json(_set("predicate/declared_permissions", ["net"])) == STATEMENT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "reviewer"),
        ("alg", "none"),
        ("alg", None),
        ("payload_type", "application/vnd.in-toto+json"),
        ("signed_at", "2026-01-31T12:00:01Z"),
        ("sig", ""),
        ("sig", 5),
        ("kid", "other"),
    ],
)
def test_an_entry_with_another_member_is_refused(name: str, value: object) -> None:
    members: dict[str, Any] = json.loads(json.dumps(signed_members(STATEMENT, KEY)))
    members["signatures"][0][name] = value

    with pytest.raises(MalformedError):
        read_signed(members, KEY.public_key)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_no_json_crashes_the_reader_of_statements(value: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(MalformedError):
        Statement.from_json(value)
