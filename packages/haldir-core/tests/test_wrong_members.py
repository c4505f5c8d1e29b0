"""What is said of a document with wrong members: every one is named with its place, at most three at once."""

import json
from typing import Any

import pytest

from haldir_core import (
    Attestation,
    Envelope,
    MalformedError,
    Manifest,
    Permissions,
    RevocationList,
    TrustStore,
    VettingReport,
)

_DIGEST = "sha256:" + "0" * 64
_MOMENT = "2026-01-31T12:00:00.000Z"
_FINDING = {"severity": "high", "category": "c", "message": "m", "line": 3}
_LAYER = {"layer": 1, "name": "a", "status": "pass", "findings": [_FINDING], "duration_ms": 1.5}
_ENTRY = {"name": "a", "versions": ["1"], "revoked_at": _MOMENT, "reason": "r", "severity": "high"}
_GOOD: dict[type[Any], dict[str, Any]] = {
    Permissions: {"declared": {}},
    Envelope: {
        "payloadType": "application/vnd.haldir.attestation+json",
        "payload": "eA",
        "signatures": [{"keyid": "a", "sig": "b"}],
    },
    Attestation: {
        "skill": {"name": "a", "version": "1.0.0", "type": "skill.md"},
        "integrity_hash": _DIGEST,
        "permissions_hash": _DIGEST,
        "signed_at": _MOMENT,
    },
    RevocationList: {
        "sequence_number": 1,
        **dict.fromkeys(("issued_at", "expires_at", "next_update"), _MOMENT),
        "entries": [_ENTRY],
        "signature": {"keyid": "k", "sig": "s"},
    },
    TrustStore: {"keys": []},
    VettingReport: {
        "vetting_timestamp": _MOMENT,
        "pipeline_version": "1",
        "layers": [_LAYER],
        "overall_status": "pass",
    },
    Manifest: {"algorithm": "sha256", "files": {"a": _DIGEST}, "generated_at": _MOMENT},
}
_MISSING = object()


@pytest.mark.parametrize("record", _GOOD, ids=lambda record: record.__name__)
def test_what_the_table_changes_is_good_as_it_is(record: type[Any]) -> None:
    record.from_bytes(json.dumps({"schema_version": "1.0", **_GOOD[record]}).encode())


@pytest.mark.parametrize(
    ("record", "changes", "reason"),
    [
        (Permissions, {"declared": None}, "declared must not be null"),
        (Permissions, {"declared": []}, "must be an object @ $.declared"),
        (Permissions, {"declared": _MISSING}, "'declared' is missing @ $.declared"),
        (Permissions, {"declared": {"filesystem": None}}, "filesystem must not be null @ $.declared"),
        (Permissions, {"declared": {"exec": [None]}}, "must be a text @ $.declared.exec"),
        (Permissions, {"declared": {"network": ["a", 1]}}, "must be a text or a list of texts @ $.declared.network"),
        (
            Permissions,
            {"declared": {"agent_capabilities": {"spawn_agents": 1}}},
            "must be true or false @ $.declared.agent_capabilities.spawn_agents",
        ),
        (
            Permissions,
            {"declared": {"network": 1, "exec": "sh", "filesystem": {"read": "a", "write": [1]}}},
            (
                "must be a list @ $.declared.filesystem.read; must be a text @ $.declared.filesystem.write; "
                "must be a text or a list of texts @ $.declared.network"
            ),
        ),
        (Envelope, {"payloadType": "x"}, "must be application/vnd.haldir.attestation+json @ $.payload_type"),
        (Envelope, {"payloadType": _MISSING}, "'payloadType' is missing @ $.payload_type"),
        (Envelope, {"payload": ""}, "Length of 'payload' must be >= 1: 0 @ $"),
        (Envelope, {"signatures": []}, "Length of 'signatures' must be >= 1: 0 @ $"),
        (Envelope, {"signatures": ["x"]}, "must be an object @ $.signatures"),
        (Envelope, {"signatures": [{"keyid": "a"}, {}]}, "'sig' is missing @ $.signatures.sig"),
        (Envelope, {"signatures": [{"keyid": "a", "sig": ""}]}, "Length of 'sig' must be >= 1: 0 @ $.signatures"),
        (Attestation, {"skill": "x"}, "must be an object @ $.skill"),
        (Attestation, {"vetting_report_hash": None}, "vetting_report_hash must not be null"),
        (Attestation, {"_critical": "x"}, "must be a list @ $.critical"),
        (
            Attestation,
            {"skill": {"name": "", "version": "1", "type": "x"}, "integrity_hash": "sha256:0", "signed_at": "today"},
            (
                "name must not be empty @ $.skill; must be sha256: and 64 lower-case hexadecimal digits @ "
                "$.integrity_hash; must be a UTC time like 2026-01-31T12:00:00.000Z @ $.signed_at"
            ),
        ),
        (
            Attestation,
            {"skill": {"name": "a", "type": "x"}, "signed_at": "2026-02-31T00:00:00Z"},
            "'version' is missing @ $.skill.version; names no real moment: day is out of range for month @ $.signed_at",
        ),
        (RevocationList, {"sequence_number": True}, "must be an integer @ $.sequence_number"),
        (RevocationList, {"sequence_number": 0}, "sequence_number must be from 1 to 9007199254740991 @ $"),
        (RevocationList, {"entries": {}}, "must be a list @ $.entries"),
        (
            RevocationList,
            {"entries": [{**_ENTRY, "versions": []}], "signature": {}},
            (
                "Length of 'versions' must be >= 1: 0 @ $.entries; 'keyid' is missing @ $.signature.keyid; "
                "'sig' is missing @ $.signature.sig"
            ),
        ),
        (TrustStore, {"environment": "x"}, "must be one of production, staging @ $.environment"),
        (
            TrustStore,
            {"keys": [{"public_key": "x", "role": "king", "environment": "moon", "added_at": _MOMENT, "note": 3}]},
            (
                "must be one of publisher, authority, revocation @ $.keys.role; "
                "must be one of production, staging @ $.keys.environment; must be a text @ $.keys.note"
            ),
        ),
        (
            VettingReport,
            {"layers": [{**_LAYER, "findings": [{**_FINDING, "severity": "x", "line": 0}]}]},
            "must be one of low, medium, high, critical @ $.layers.findings.severity",
        ),
        (
            VettingReport,
            {"layers": [{**_LAYER, "findings": [{**_FINDING, "line": 0}]}]},
            "line must be from 1 to inf @ $.layers.findings",
        ),
        (
            VettingReport,
            {"layers": [{**_LAYER, "duration_ms": "1"}], "overall_status": 1},
            "must be a number @ $.layers.duration_ms; must be a text @ $.overall_status",
        ),
        (Manifest, {"algorithm": "md5"}, "must be sha256 @ $.algorithm"),
        (Manifest, {"files": []}, "must be an object @ $.files"),
        (Manifest, {"files": {"a": 1}}, "the digest of 'a' must be a text @ $.files"),
        (Manifest, {"files": {"a": "x"}}, "must be sha256: and 64 lower-case hexadecimal digits @ $.files"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_wrong_members_are_named_with_their_places(record: type[Any], changes: dict[str, object], reason: str) -> None:
    members = {name: value for name, value in {**_GOOD[record], **changes}.items() if value is not _MISSING}
    with pytest.raises(MalformedError) as refused:
        record.from_bytes(json.dumps({"schema_version": "1.0", **members}).encode())
    assert refused.value.reason == reason
