import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    CHECKS,
    Context,
    ErrorCode,
    HardLinks,
    Keyring,
    KeyRole,
    Permissions,
    Policy,
    PrivateKey,
    Requirement,
    RevocationEvidence,
    Timestamp,
    TrustLevel,
    Verification,
    VettingReport,
    WarningCode,
)
from haldir_core.canonical import canonical_bytes, pretty_bytes
from haldir_core.encoding import encode_base64url

MakeSkill = Callable[..., Path]
Seal = Callable[..., Path]
Check = Callable[..., Verification]


class Bench:
    """All that is needed to break a skill and judge it."""

    def __init__(self, make_skill: MakeSkill, seal: Seal, check: Check, revocations: Callable[..., bytes]) -> None:
        self.make_skill, self.seal, self.check, self.revocations = make_skill, seal, check, revocations

    def sealed(self, **documents: object) -> Path:
        """Return a skill that is valid but for ``documents``."""
        return self.seal(self.make_skill(), **documents)

    def broken(self, act: Callable[[Path], object], **documents: object) -> Verification:
        """Judge a sealed skill after ``act`` has done something to its folder."""
        folder = self.sealed(**documents)
        act(folder)
        return self.check(folder)

    def with_envelope(self, change: Callable[[dict[str, Any]], object]) -> Verification:
        """Judge a sealed skill after ``change`` has done something to its envelope."""

        def act(folder: Path) -> None:
            path = folder / ".vault/signature.json"
            envelope = json.loads(path.read_bytes())
            change(envelope)
            path.write_bytes(pretty_bytes(envelope))

        return self.broken(act)


@pytest.fixture
def bench(make_skill: MakeSkill, seal: Seal, check: Check, revocations: Callable[..., bytes]) -> Bench:
    return Bench(make_skill, seal, check, revocations)


def _manifest(**changes: object) -> bytes:
    files: dict[str, str] = {}
    members = {"schema_version": "1.0", "algorithm": "sha256", "files": files, "generated_at": "2026-01-31T12:00Z"}
    return json.dumps(members | changes).encode()


def _vault(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / ".vault" / name).write_bytes(data)


def _big(folder: Path) -> None:
    with (folder / "big").open("wb") as file:
        file.truncate(101 * 1024 * 1024)


def _revoked(bench: Bench) -> Verification:
    evidence = RevocationEvidence(current=bench.revocations(("weather", "1.2.3")))
    return bench.check(bench.sealed(), evidence=evidence)


BROKEN: list[tuple[int, ErrorCode, Callable[[Bench], Verification]]] = [
    (1, ErrorCode.NO_ENVELOPE, lambda b: b.check(b.make_skill())),
    (2, ErrorCode.INCOMPLETE, lambda b: b.broken(lambda f: (f / ".vault/integrity.json").unlink())),
    (3, ErrorCode.SYMLINK, lambda b: b.broken(lambda f: (f / "link").symlink_to("x"))),
    (4, ErrorCode.HARDLINK, lambda b: b.broken(lambda f: (f / "again").hardlink_to(f / "SKILL.md"))),
    (5, ErrorCode.UNSAFE_FILE, lambda b: b.broken(lambda f: Path(f"{f}/bad\udcff").touch())),
    (6, ErrorCode.LIMITS, lambda b: b.broken(_big)),
    (7, ErrorCode.EXTRA_FILES, lambda b: b.broken(_vault("notes.txt", b""))),
    (8, ErrorCode.INVALID_ENVELOPE, lambda b: b.broken(_vault("signature.json", b"{}"))),
    (8, ErrorCode.UNSUPPORTED_VERSION, lambda b: b.with_envelope(lambda e: e.update(schema_version="2.0"))),
    (9, ErrorCode.UNKNOWN_KEY, lambda b: b.with_envelope(lambda e: e["signatures"][0].update(keyid="x"))),
    (10, ErrorCode.DECODE_FAILED, lambda b: b.with_envelope(lambda e: e.update(payload="not base64"))),
    (11, ErrorCode.DECODE_FAILED, lambda b: b.with_envelope(lambda e: e["signatures"][0].update(sig="AAAA"))),
    (12, ErrorCode.BAD_SIGNATURE, lambda b: b.with_envelope(lambda e: e.update(payload="e30"))),
    (13, ErrorCode.THRESHOLD, lambda b: b.check(b.sealed(), policy=Policy(requirement=Requirement(count=2)))),
    (14, ErrorCode.INVALID_ATTESTATION, lambda b: b.check(b.sealed(payload=b"not JSON"))),
    (14, ErrorCode.UNSUPPORTED_VERSION, lambda b: b.check(b.sealed(schema_version="2.0"))),
    (15, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.broken(_vault("attestation.json", b"{}"))),
    (16, ErrorCode.UNKNOWN_CRITICAL, lambda b: b.check(b.sealed(_critical=["sandbox"]))),
    (17, ErrorCode.EXTRA_FILES, lambda b: b.broken(_vault("vetting-report.json", b"{}"))),
    (17, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.check(b.sealed(vetting_report_hash="sha256:" + "0" * 64))),
    (17, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.broken(_vault("vetting-report.json", b"{ }"), report=b"{}")),
    (17, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.check(b.sealed(report=b"{}"))),
    (18, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.broken(_vault("integrity.json", _manifest()))),
    (19, ErrorCode.INVALID_INTEGRITY, lambda b: b.check(b.sealed(manifest=b"[]"))),
    (19, ErrorCode.INVALID_INTEGRITY, lambda b: b.check(b.sealed(manifest=_manifest(files={"./a": "sha256:"})))),
    (19, ErrorCode.UNSUPPORTED_VERSION, lambda b: b.check(b.sealed(manifest=_manifest(schema_version="2.0")))),
    (20, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.broken(lambda f: (f / "SKILL.md").write_text("other"))),
    (20, ErrorCode.INTEGRITY_MISMATCH, lambda b: b.broken(lambda f: (f / "SKILL.md").unlink())),
    (21, ErrorCode.EXTRA_FILES, lambda b: b.broken(lambda f: (f / "constructor").touch())),
    (21, ErrorCode.EXTRA_FILES, lambda b: b.check(b.sealed(manifest=_manifest()))),
    (22, ErrorCode.INVALID_ENVELOPE, lambda b: b.check(b.sealed(permissions=b"{}"))),
    (22, ErrorCode.INVALID_ENVELOPE, lambda b: b.broken(_vault("permissions.json", b"not JSON"))),
    (
        23,
        ErrorCode.INTEGRITY_MISMATCH,
        lambda b: b.broken(_vault("permissions.json", b'{"schema_version": "1.0", "declared": {}}')),
    ),
    (24, ErrorCode.REVOCATION_STALE, lambda b: b.check(b.sealed(), evidence=RevocationEvidence())),
    (25, ErrorCode.REVOKED, _revoked),
]


def _case_id(value: object) -> str:
    return value.value if isinstance(value, ErrorCode) else str(value) if isinstance(value, int) else "skill"


def test_a_sealed_skill_is_valid(bench: Bench) -> None:
    assert bench.check(bench.sealed()).trust_level is TrustLevel.FULL


@pytest.mark.parametrize(("number", "code", "broken"), BROKEN, ids=_case_id)
def test_a_broken_skill_fails_at_the_check_for_it(
    number: int, code: ErrorCode, broken: Callable[[Bench], Verification], bench: Bench
) -> None:
    verdict = broken(bench)

    assert (verdict.failed_check, verdict.errors[0].code) == (number, code)
    assert (verdict.valid, verdict.trust_level) == (False, TrustLevel.NONE)
    assert (verdict.signers, verdict.key_id, verdict.attestation, verdict.permissions) == ((), None, None, None)


def test_every_check_fails_for_some_skill_of_the_table() -> None:
    assert {number for number, _, _ in BROKEN} == set(range(1, 26)) == {check.number for check in CHECKS}


def test_every_code_of_every_check_is_in_the_table() -> None:
    assert {(number, code) for number, code, _ in BROKEN} == {
        (check.number, code) for check in CHECKS for code in check.codes
    }
    assert {code for _, code, _ in BROKEN} == set(ErrorCode)


def test_the_checks_are_in_order() -> None:
    assert [check.number for check in CHECKS] == list(range(1, 26))


@pytest.mark.parametrize("name", ["signature.json", "attestation.json", "integrity.json", "permissions.json"])
def test_the_first_missing_document_is_named(name: str, bench: Bench) -> None:
    verdict = bench.broken(lambda folder: (folder / ".vault" / name).unlink())

    assert verdict.errors[0].message == f"Missing required file: {name}"


def test_a_document_that_is_a_folder_is_missing(bench: Bench) -> None:
    def act(folder: Path) -> None:
        (folder / ".vault/permissions.json").unlink()
        (folder / ".vault/permissions.json").mkdir()

    assert bench.broken(act).errors[0].message == "Missing required file: permissions.json"


def test_hard_links_pass_at_run_time_if_the_policy_allows_them(bench: Bench, tmp_path: Path) -> None:
    folder = bench.sealed()
    (tmp_path / "again").hardlink_to(folder / "SKILL.md")
    policy = Policy(hard_links=HardLinks.ALLOW_AT_RUNTIME)

    assert bench.check(folder, policy=policy, context=Context.RUNTIME).trust_level is TrustLevel.FULL
    assert bench.check(folder, policy=policy, context=Context.INSTALL).failed_check == 4
    assert bench.check(folder, context=Context.RUNTIME).failed_check == 4


@pytest.mark.parametrize("name", ["sigstore-bundle.json", "cosign-bundle.json", "vetting-attestation.json"])
def test_the_optional_documents_of_the_format_are_no_extras(name: str, bench: Bench) -> None:
    assert bench.broken(_vault(name, b"{}")).trust_level is TrustLevel.FULL


# Signatures.


def test_a_bad_signature_does_not_spoil_a_good_one(bench: Bench, publisher: PrivateKey, authority: PrivateKey) -> None:
    def act(envelope: dict[str, Any]) -> None:
        bad = {"keyid": authority.keyid, "sig": encode_base64url(bytes(64))}
        envelope["signatures"] = [bad, {"keyid": "constructor", "sig": "%"}, *envelope["signatures"]]

    verdict = bench.with_envelope(act)

    assert (verdict.trust_level, verdict.signers) == (TrustLevel.FULL, (publisher.keyid,))


def test_a_second_signature_of_the_same_key_counts_if_the_first_is_bad(bench: Bench, publisher: PrivateKey) -> None:
    def act(envelope: dict[str, Any]) -> None:
        envelope["signatures"] = [{"keyid": publisher.keyid, "sig": "AAAA"}, *envelope["signatures"]]

    assert bench.with_envelope(act).signers == (publisher.keyid,)


def test_a_signature_that_comes_twice_counts_once(bench: Bench, publisher: PrivateKey) -> None:
    verdict = bench.with_envelope(lambda envelope: envelope.update(signatures=envelope["signatures"] * 2))

    assert verdict.signers == (publisher.keyid,)


def test_a_signature_under_the_id_of_another_trusted_key_is_bad(bench: Bench, authority: PrivateKey) -> None:
    verdict = bench.with_envelope(lambda envelope: envelope["signatures"][0].update(keyid=authority.keyid))

    assert verdict.errors[0].code == ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize("signer", ["stranger", "revoker"])
def test_a_key_that_may_not_sign_skills_is_unknown(signer: str, bench: Bench, request: pytest.FixtureRequest) -> None:
    key: PrivateKey = request.getfixturevalue(signer)

    verdict = bench.check(bench.sealed(signers=(key,)))

    assert verdict.failed_check == 9
    assert key.keyid in verdict.errors[0].message


def test_an_authority_may_sign_alone(bench: Bench, authority: PrivateKey) -> None:
    assert bench.check(bench.sealed(signers=(authority,))).signers == (authority.keyid,)


def test_a_moment_without_time_zone_is_refused(bench: Bench, now: datetime) -> None:
    with pytest.raises(ValueError, match="now must have a time zone"):
        bench.check(bench.sealed(), at=now.replace(tzinfo=None))


def test_an_empty_ring_trusts_no_skill(bench: Bench) -> None:
    assert bench.check(bench.sealed(), keyring=Keyring()).failed_check == 9


def test_a_signature_over_the_bare_payload_is_bad(bench: Bench, publisher: PrivateKey) -> None:
    folder = bench.sealed()
    payload = (folder / ".vault/attestation.json").read_bytes()
    path = folder / ".vault/signature.json"
    envelope = json.loads(path.read_bytes())
    envelope["signatures"][0]["sig"] = encode_base64url(publisher.sign(payload))
    path.write_bytes(pretty_bytes(envelope))

    assert bench.check(folder).failed_check == 12


def test_a_signed_revocation_list_is_no_signature_of_a_skill(bench: Bench, publisher: PrivateKey) -> None:
    signed_list = json.loads(bench.revocations(signer=publisher))

    verdict = bench.with_envelope(lambda envelope: envelope.update(signatures=[signed_list["signature"]]))

    assert verdict.failed_check == 12


# Manifest.


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", ".vault/permissions.json", "scripts/../SKILL.md", "scripts"]
)
def test_a_manifest_that_names_what_is_no_file_of_the_skill_fails(path: str, bench: Bench) -> None:
    folder = bench.make_skill()
    (folder.parent / "outside").write_bytes(b"# Weather\n")
    snapshot_files = json.loads((bench.seal(folder) / ".vault/integrity.json").read_bytes())["files"]
    manifest = _manifest(files=snapshot_files | {path: snapshot_files["SKILL.md"]})

    verdict = bench.check(bench.seal(folder, manifest=manifest))

    assert (verdict.failed_check, verdict.errors[0].path) == (20, path)


def test_a_changed_file_is_reported_with_its_path(bench: Bench) -> None:
    verdict = bench.broken(lambda folder: (folder / "scripts/run.py").write_text("evil"))

    assert [(error.path, error.message) for error in verdict.errors] == [
        ("scripts/run.py", "scripts/run.py was changed after signing")
    ]


def test_a_removed_file_is_reported_with_its_path(bench: Bench) -> None:
    verdict = bench.broken(lambda folder: (folder / "scripts/run.py").unlink())

    assert [(error.path, error.message) for error in verdict.errors] == [
        ("scripts/run.py", "scripts/run.py is missing")
    ]


# Reports.


def _report(moment: datetime) -> bytes:
    layer = {"layer": 1, "name": "scan", "status": "pass", "findings": []}
    members: dict[str, Any] = {"pipeline_version": "1", "layers": [layer], "overall_status": "pass"}
    return canonical_bytes({"schema_version": "1.0", "vetting_timestamp": Timestamp.at(moment).text} | members)


MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("age", "warnings"),
    [
        (timedelta(), []),
        (timedelta(days=30), []),
        (timedelta(days=30) + MILLISECOND, [WarningCode.VETTING_STALE]),
        (-timedelta(seconds=300), []),
        (-timedelta(seconds=300) - MILLISECOND, [WarningCode.VETTING_TIMESTAMP_INVALID]),
    ],
    ids=["now", "30-days", "older", "300-seconds-ahead", "further-ahead"],
)
def test_the_age_of_a_report_is_a_warning_and_no_more(
    age: timedelta, warnings: list[WarningCode], bench: Bench, now: datetime
) -> None:
    verdict = bench.check(bench.sealed(report=_report(now - age)))

    assert verdict.trust_level is TrustLevel.FULL
    assert [warned.code for warned in verdict.warnings] == warnings
    assert verdict.vetting_report == VettingReport.from_bytes(_report(now - age))


def test_a_signed_report_is_returned_although_a_later_check_fails(bench: Bench, now: datetime) -> None:
    verdict = bench.broken(lambda folder: (folder / "SKILL.md").unlink(), report=_report(now))

    assert verdict.failed_check == 20
    assert verdict.vetting_report is not None


# The verdict as JSON.


def test_a_valid_verdict_is_written_with_its_keys_in_order(bench: Bench, publisher: PrivateKey) -> None:
    members = json.loads(pretty_bytes(bench.check(bench.sealed()).to_json()))

    assert list(members) == [
        *("valid", "trustLevel", "keyId", "warnings", "errors", "attestation", "permissions", "vettingReport"),
        *("signers", "failedCheck"),
    ]
    assert (members["valid"], members["trustLevel"], members["keyId"]) == (True, "full", publisher.keyid)
    assert members["attestation"]["skill"]["name"] == "weather"
    assert members["permissions"] == Permissions.deny_all().to_json()
    assert (members["vettingReport"], members["errors"], members["failedCheck"]) == (None, [], None)


def test_a_refusal_is_written_with_its_errors(bench: Bench, now: datetime) -> None:
    def act(folder: Path) -> None:
        (folder / "SKILL.md").unlink()

    members = json.loads(pretty_bytes(bench.broken(act, report=_report(now)).to_json()))

    assert members["errors"] == [{"code": "E_INTEGRITY_MISMATCH", "message": "SKILL.md is missing", "file": "SKILL.md"}]
    assert (members["valid"], members["trustLevel"], members["keyId"]) == (False, "none", None)
    assert members["vettingReport"]["overall_status"] == "pass"
    assert (members["attestation"], members["signers"], members["failedCheck"]) == (None, [], 20)


def test_an_error_without_path_is_written_without_it(bench: Bench) -> None:
    members = json.loads(pretty_bytes(bench.check(bench.sealed(), evidence=RevocationEvidence()).to_json()))

    assert [list(error) for error in members["errors"]] == [["code", "message"]]


def test_a_warning_is_written_with_its_code(bench: Bench) -> None:
    verdict = bench.check(bench.sealed(), evidence=RevocationEvidence(), context=Context.RUNTIME)

    members = json.loads(pretty_bytes(verdict.to_json()))

    assert (members["valid"], members["trustLevel"]) == (True, "degraded")
    assert [list(warned) for warned in members["warnings"]] == [["code", "message"]]
    assert members["warnings"][0]["code"] == "W_REVOCATION_UNAVAILABLE"


def test_a_role_of_the_ring_is_what_counts_and_not_the_order(
    bench: Bench, publisher: PrivateKey, revoker: PrivateKey
) -> None:
    pairs = [(publisher.public_key, KeyRole.PUBLISHER), (revoker.public_key, KeyRole.REVOCATION)]
    folder = bench.sealed()

    verdicts = [bench.check(folder, keyring=Keyring.of(order)) for order in (pairs, pairs[::-1])]

    assert [verdict.trust_level for verdict in verdicts] == [TrustLevel.FULL, TrustLevel.FULL]
