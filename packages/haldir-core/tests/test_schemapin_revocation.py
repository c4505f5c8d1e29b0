import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.revocation import (
    Demand,
    KeyRevocations,
    Reason,
    RevocationJudgement,
    RevocationPolicy,
    RevokedKey,
    Standing,
    judge_revocation,
)
from haldir_core.schemapin.times import Moment

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("example.com")
KEY = "sha256:" + "0a" * 32
OTHER = "sha256:" + "0b" * 32
PEM = "-----BEGIN PUBLIC KEY-----\nMOCK\n-----END PUBLIC KEY-----"
VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "schemapin"


def _document(*keys: str, domain: str = "example.com", updated: str = "2026-02-28T00:00:00Z") -> KeyRevocations:
    entries = [{"fingerprint": key, "revoked_at": "2026-02-10T00:00:00Z", "reason": "superseded"} for key in keys]
    return KeyRevocations.from_json(
        {"schemapin_version": "1.2", "domain": domain, "updated_at": updated, "revoked_keys": entries}
    )


def _judge(
    document: KeyRevocations | None, *, policy: RevocationPolicy | None = None, endpoint: str | None = None
) -> RevocationJudgement:
    discovery = Discovery(public_key_pem=PEM, revocation_endpoint=endpoint)
    return judge_revocation(KEY, discovery, document, domain=HERE, now=NOW, policy=policy)


def test_a_key_that_no_list_names_is_good() -> None:
    assert _judge(_document(OTHER)) == RevocationJudgement(Standing.GOOD)


def test_a_key_of_the_simple_list_is_revoked() -> None:
    discovery = Discovery(public_key_pem=PEM, revoked_keys=(KEY,))
    judged = judge_revocation(KEY, discovery, None, domain=HERE, now=NOW)
    assert (judged.standing, judged.code) == (Standing.REVOKED, ErrorCode.KEY_REVOKED)


@pytest.mark.parametrize("reason", [*Reason, "ca_compromise", "", None, 7])
def test_a_listed_key_is_revoked_whatever_the_reason(reason: JsonValue) -> None:
    entry = {"fingerprint": KEY, "revoked_at": "2099-01-01T00:00:00Z", "reason": reason}
    document = KeyRevocations.from_json({"domain": "example.com", "revoked_keys": [entry]})
    assert _judge(document).code is ErrorCode.KEY_REVOKED


def test_an_unknown_reason_is_said_to_be_unknown() -> None:
    assert RevokedKey(KEY, "", "ca_compromise").known_reason is None
    assert RevokedKey(KEY, "", "superseded").known_reason is Reason.SUPERSEDED


def test_a_key_in_capital_letters_is_revoked() -> None:
    assert _judge(_document(KEY.upper())).code is ErrorCode.KEY_REVOKED


def test_a_document_of_another_domain_revokes_but_does_not_acquit() -> None:
    assert _judge(_document(KEY, domain="other.example")).code is ErrorCode.KEY_REVOKED
    assert _judge(_document(OTHER, domain="other.example")).code is ErrorCode.DOMAIN_MISMATCH
    lax = RevocationPolicy(demand=Demand.NEVER)
    assert _judge(_document(OTHER, domain="other.example"), policy=lax).code is ErrorCode.DOMAIN_MISMATCH


def test_a_missing_document_refuses_where_one_was_announced() -> None:
    assert _judge(None).code is None
    assert _judge(None, endpoint="https://e.example/r").code is ErrorCode.DISCOVERY_FETCH_FAILED


def test_a_missing_document_refuses_where_one_is_always_demanded() -> None:
    assert _judge(None, policy=RevocationPolicy(demand=Demand.ALWAYS)).code is ErrorCode.DISCOVERY_FETCH_FAILED


def test_a_missing_document_is_a_doubt_where_none_is_demanded() -> None:
    judged = _judge(None, policy=RevocationPolicy(demand=Demand.NEVER), endpoint="https://e.example/r")
    assert (judged.standing, judged.code) == (Standing.UNCERTAIN, None)
    assert judged.message


@pytest.mark.parametrize(
    ("updated", "code"),
    [
        ("2026-02-28T12:00:00Z", None),
        ("2026-01-01T00:00:00Z", ErrorCode.DISCOVERY_INVALID),
        ("2026-03-01T00:04:00Z", None),
        ("2026-03-02T00:00:00Z", ErrorCode.DISCOVERY_INVALID),
        ("2026-02-28", ErrorCode.DISCOVERY_INVALID),
        ("", ErrorCode.DISCOVERY_INVALID),
    ],
    ids=["fresh", "old", "within-skew", "future", "no-time", "empty"],
)
def test_a_document_acquits_within_its_age(updated: str, code: ErrorCode | None) -> None:
    policy = RevocationPolicy(max_age=timedelta(days=2))
    assert _judge(_document(OTHER, updated=updated), policy=policy).code is code


def test_an_old_document_still_revokes() -> None:
    policy = RevocationPolicy(max_age=timedelta(days=2))
    assert _judge(_document(KEY, updated="2020-01-01T00:00:00Z"), policy=policy).code is ErrorCode.KEY_REVOKED


def test_a_document_older_than_one_seen_before_is_a_replay() -> None:
    policy = RevocationPolicy(not_before=Moment.parse("2026-02-28T00:00:00.5Z"))
    assert "older than one seen before" in _judge(_document(OTHER), policy=policy).message
    assert _judge(_document(OTHER, updated="2026-02-28T00:00:01Z"), policy=policy).code is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"domain": 1},
        {"domain": "e.example", "revoked_keys": {}},
        {"domain": "e.example", "revoked_keys": [1]},
        {"domain": "e.example", "revoked_keys": [{}]},
        {"domain": "e.example", "revoked_keys": [{"fingerprint": 1}]},
        {"domain": "e.example", "updated_at": 5},
    ],
    ids=ascii,
)
def test_a_document_that_is_none_is_refused(value: JsonValue) -> None:
    with pytest.raises(MalformedError):
        KeyRevocations.from_json(value)


def test_a_document_that_is_written_is_read_again() -> None:
    made = KeyRevocations.create(HERE, (RevokedKey(KEY, "2026-02-10T00:00:00Z", Reason.SUPERSEDED),), NOW)
    assert KeyRevocations.from_bytes(made.to_bytes()) == made


def test_a_document_larger_than_its_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match="larger"):
        KeyRevocations.from_bytes(b" " * 70_000)


@pytest.mark.parametrize(
    "case",
    [case for case in json.loads((VECTORS / "offline.json").read_bytes()) if "revo" in case["name"]],
    ids=lambda case: case["name"],
)
def test_a_key_that_the_python_sdk_finds_revoked_is_revoked(case: dict[str, Any]) -> None:
    given_documents = case["input"]
    discovery = Discovery.from_json(given_documents["discovery"])
    document = given_documents.get("revocation")
    judged = judge_revocation(
        json.loads((VECTORS / "keys.json").read_bytes())["dev"]["fingerprint"],
        discovery,
        KeyRevocations.from_json(document) if document else None,
        domain=HERE,
        now=NOW,
    )
    result = case["verdicts"]["py"].get("result")
    if result is None or result.get("error_code") == "key_revoked":
        assert judged.code is ErrorCode.KEY_REVOKED


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(data: bytes) -> None:
    with pytest.raises(MalformedError):
        KeyRevocations.from_bytes(data)
