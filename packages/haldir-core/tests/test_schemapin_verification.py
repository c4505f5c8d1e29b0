import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.digest import sha256
from haldir_core.errors import MalformedError
from haldir_core.schemapin import (
    Accepted,
    Candidate,
    Claims,
    DnsRecord,
    DomainPolicy,
    Evidence,
    Expiry,
    Form,
    HashForm,
    MemoryPins,
    Mode,
    OutdatedScan,
    Policy,
    PrivateKey,
    ScanDemand,
    ScanPolicy,
    ScanResult,
    SignedSchema,
    StatementDemand,
    Tool,
    read_error_code,
    read_folder,
    sign_schema,
    sign_schema_file,
    verify_schema,
    verify_skill,
)
from haldir_core.schemapin.canon import schemapin_v1
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.pins import Judgement
from haldir_core.schemapin.signatures import sign_message

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = PrivateKey.generate(lambda count: b"\7" * count)
OTHER = PrivateKey.generate(lambda count: b"\6" * count)
TOOL = Tool.of("tools.example", "weather")
SCHEMA: dict[str, Any] = {"name": "weather", "parameters": {"city": "string"}}
CLAIMS = Claims(tool=TOOL)
RULES = sha256(b"rules")
SCAN = ScanResult(passed=True, scanner_version="haldir-scanner 0.1.0", ruleset_hash=RULES)
FAILED = attrs.evolve(SCAN, passed=False)


def _discovery(key: PrivateKey = KEY, **members: object) -> bytes:
    known = {"schema_version": "1.4", "public_key_pem": key.public_key.to_pem().decode()}
    return json.dumps(known | members).encode()


EVIDENCE = Evidence(discovery=_discovery())
BARE = SignedSchema(schema=SCHEMA, signature=sign_schema(SCHEMA, KEY))


def _code(signed: SignedSchema = BARE, evidence: Evidence = EVIDENCE, policy: Policy | None = None) -> str | None:
    return verify_schema(signed, TOOL, evidence, now=NOW, policy=policy or Policy()).error_code


class Watched:
    """A ledger of pins that notes what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.pins = MemoryPins()

    def peek(self, candidate: Candidate) -> Judgement:
        """Look."""
        self.calls.append("peek")
        return self.pins.peek(candidate)

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Keep."""
        self.calls.append("commit")
        return self.pins.commit(candidate, now)


def test_a_pin_is_kept_after_everything_held() -> None:
    watched = Watched()

    result = verify_schema(BARE, TOOL, attrs.evolve(EVIDENCE, pins=watched), now=NOW)

    assert result.key_pinning == "first_use"
    assert watched.calls == ["peek", "commit"]
    assert [(pin.tool_id, pin.domain, pin.fingerprint) for pin in watched.pins.pins()] == [
        ("weather", "tools.example", KEY.public_key.fingerprint)
    ]


BAD: dict[str, tuple[SignedSchema, Evidence, Policy]] = {
    "signature": (attrs.evolve(BARE, signature=sign_schema(SCHEMA, OTHER)), EVIDENCE, Policy()),
    "form": (attrs.evolve(BARE, canonicalization="jcs"), EVIDENCE, Policy()),
    "schema": (attrs.evolve(BARE, schema=float("nan")), EVIDENCE, Policy()),
    "dns": (BARE, attrs.evolve(EVIDENCE, dns=DnsRecord(OTHER.public_key.fingerprint)), Policy()),
    "statement": (BARE, EVIDENCE, Policy(statement=StatementDemand.REQUIRED)),
    "expired": (attrs.evolve(BARE, expires_at="2020-01-01T00:00:00Z"), EVIDENCE, Policy(expiry=Expiry.REJECT)),
    "scan": (BARE, EVIDENCE, Policy(scan=ScanPolicy(demand=ScanDemand.REQUIRED))),
    "revoked": (BARE, Evidence(discovery=_discovery(revoked_keys=[KEY.public_key.fingerprint])), Policy()),
    "discovery": (BARE, Evidence(discovery=b"{}"), Policy()),
    "revocations": (BARE, attrs.evolve(EVIDENCE, revocations=b"{"), Policy()),
    "key": (BARE, Evidence(discovery=_discovery(public_key_pem="-----BEGIN PUBLIC KEY-----")), Policy()),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_nothing_is_pinned_when_a_step_fails(bad: tuple[SignedSchema, Evidence, Policy]) -> None:
    signed, evidence, policy = bad
    watched = Watched()

    result = verify_schema(signed, TOOL, attrs.evolve(evidence, pins=watched), now=NOW, policy=policy)

    assert not result.valid
    assert result.error_code is not None
    assert result.error_message
    assert result.key_pinning is None
    assert "commit" not in watched.calls
    assert not result.metadata_authenticated


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("signature", "signature_invalid"),
        ("form", "canonicalization_unsupported"),
        ("schema", "schema_canonicalization_failed"),
        ("dns", "domain_mismatch"),
        ("statement", "signature_invalid"),
        ("expired", "signature_invalid"),
        ("scan", "signature_invalid"),
        ("revoked", "key_revoked"),
        ("discovery", "discovery_invalid"),
        ("revocations", "discovery_invalid"),
        ("key", "key_not_found"),
    ],
)
def test_each_step_has_its_code(name: str, code: str) -> None:
    assert _code(*BAD[name]) == code


def test_a_changed_key_is_refused_and_the_pin_stays() -> None:
    watched = Watched()
    verify_schema(BARE, TOOL, attrs.evolve(EVIDENCE, pins=watched), now=NOW)
    stolen = SignedSchema(schema=SCHEMA, signature=sign_schema(SCHEMA, OTHER))

    result = verify_schema(stolen, TOOL, Evidence(discovery=_discovery(OTHER), pins=watched), now=NOW)

    assert result.error_code == "key_pin_mismatch"
    assert [pin.fingerprint for pin in watched.pins.pins()] == [KEY.public_key.fingerprint]


@pytest.mark.parametrize(
    "pins",
    [
        MemoryPins(mode=Mode.STRICT),
        MemoryPins(mode=Mode.INTERACTIVE),
        MemoryPins(policies={"tools.example": DomainPolicy.NEVER_TRUST}),
    ],
    ids=["strict", "interactive-nobody-answers", "never-trust"],
)
def test_a_key_that_the_pins_do_not_accept_is_refused(pins: MemoryPins) -> None:
    assert _code(evidence=attrs.evolve(EVIDENCE, pins=pins)) == "key_pin_mismatch"


@pytest.mark.parametrize("identifier", ["jcs", "", 1, ["schemapin-v1"]])
def test_an_unknown_form_is_refused_before_the_discovery_document_is_read(identifier: Any) -> None:  # noqa: ANN401 - any JSON
    signed = attrs.evolve(BARE, canonicalization=identifier)

    assert _code(signed, Evidence(discovery=b"not read")) == "canonicalization_unsupported"


def test_an_unknown_form_in_a_statement_is_refused_as_early() -> None:
    signed = attrs.evolve(BARE, extra={"statement": {"predicate": {"canonicalization": "jcs"}}})

    assert _code(signed, Evidence(discovery=b"not read")) == "canonicalization_unsupported"


@pytest.mark.parametrize(
    ("expires_at", "expired", "warnings"),
    [
        (None, False, ()),
        ("2026-01-31T12:00:00.000000001Z", False, ()),
        ("2026-01-31T12:00:00Z", True, ("signature_expired",)),
        ("2026-01-31T16:59:59+05:00", True, ("signature_expired",)),
        ("2026-01-31", False, ("signature_expires_at_unparseable",)),
        ("", False, ("signature_expires_at_unparseable",)),
        (5, False, ("signature_expires_at_unparseable",)),
        ({}, False, ("signature_expires_at_unparseable",)),
        (False, False, ("signature_expires_at_unparseable",)),
    ],
    ids=ascii,
)
def test_an_expired_schema_is_degraded_or_refused_as_the_policy_says(
    expires_at: Any,  # noqa: ANN401 - any JSON
    expired: bool,  # noqa: FBT001 - a column
    warnings: tuple[str, ...],
) -> None:
    signed = attrs.evolve(BARE, expires_at=expires_at)
    result = verify_schema(signed, TOOL, EVIDENCE, now=NOW)

    assert (result.valid, result.expired, result.warnings) == (True, expired, warnings)
    assert (_code(signed, policy=Policy(expiry=Expiry.REJECT)) == "signature_invalid") == bool(warnings)


def test_a_signature_from_the_future_is_degraded_or_refused() -> None:
    signed = sign_schema_file(SCHEMA, CLAIMS, KEY, now=NOW + timedelta(hours=1))
    result = verify_schema(signed, TOOL, EVIDENCE, now=NOW)

    assert result.warnings == ("signature_signed_in_future",)
    assert _code(signed, policy=Policy(expiry=Expiry.REJECT)) == "signature_invalid"
    near = sign_schema_file(SCHEMA, CLAIMS, KEY, now=NOW + timedelta(minutes=4))
    assert verify_schema(near, TOOL, EVIDENCE, now=NOW).warnings == ()


def _single(schema: object) -> SignedSchema:
    return SignedSchema(schema=schema, signature=sign_message(KEY, schemapin_v1(schema)))  # type: ignore[arg-type] # JSON


def test_a_single_hash_is_taken_in_the_compatibility_mode_only_and_reported() -> None:
    both = Policy(accepted=Accepted.DOUBLE_OR_SINGLE_HASH)
    result = verify_schema(_single(SCHEMA), TOOL, EVIDENCE, now=NOW, policy=both)

    assert _code(_single(SCHEMA)) == "signature_invalid"
    assert (result.valid, result.hash_form, result.warnings) == (True, HashForm.SINGLE, ("signature_single_hash",))
    assert verify_schema(BARE, TOOL, EVIDENCE, now=NOW, policy=both).hash_form is HashForm.DOUBLE


@pytest.mark.parametrize("member", ["schemapin_bundle_version", "bundle_authority", "documents", "revocations"])
def test_the_signature_of_a_bundle_is_none_of_a_schema(member: str) -> None:
    both = Policy(accepted=Accepted.DOUBLE_OR_SINGLE_HASH)

    assert _code(_single({member: [], "signature": ""}), policy=both) == "signature_invalid"


def test_the_signature_of_a_statement_is_none_of_a_schema() -> None:
    both = Policy(accepted=Accepted.DOUBLE_OR_SINGLE_HASH)
    signed = sign_schema_file(SCHEMA, CLAIMS, KEY, now=NOW)
    statement: Any = signed.extra["statement"]
    entries: Any = signed.extra["signatures"]

    assert _code(SignedSchema(schema=statement, signature=entries[0]["sig"]), policy=both) == "signature_invalid"


def test_a_statement_can_be_required() -> None:
    policy = Policy(statement=StatementDemand.REQUIRED)

    assert _code(sign_schema_file(SCHEMA, CLAIMS, KEY, now=NOW), policy=policy) is None
    assert _code(sign_schema_file(SCHEMA, attrs.evolve(CLAIMS, form=Form.LEGACY), KEY, now=NOW), policy=policy)


REQUIRED = ScanPolicy(demand=ScanDemand.REQUIRED, current_rulesets=frozenset({RULES}))
STRICTER = attrs.evolve(REQUIRED, current_rulesets=frozenset({"other"}), outdated=OutdatedScan.REFUSE)


@pytest.mark.parametrize(
    ("scan", "policy", "valid", "warnings"),
    [
        (None, ScanPolicy(), True, ()),
        (None, REQUIRED, False, ()),
        (SCAN, REQUIRED, True, ()),
        (FAILED, ScanPolicy(), True, ()),
        (FAILED, REQUIRED, False, ()),
        (SCAN, attrs.evolve(REQUIRED, current_rulesets=frozenset({"other"})), True, ("scan_outdated",)),
        (SCAN, ScanPolicy(current_rulesets=frozenset({"other"})), True, ("scan_outdated",)),
        (SCAN, STRICTER, False, ()),
    ],
    ids=[
        "none",
        "required",
        "passed",
        "failed",
        "failed-required",
        "outdated",
        "outdated-optional",
        "outdated-refused",
    ],
)
def test_a_policy_can_demand_a_scan_with_current_rules(
    scan: ScanResult | None,
    policy: ScanPolicy,
    valid: bool,  # noqa: FBT001 - a column
    warnings: tuple[str, ...],
) -> None:
    signed = sign_schema_file(SCHEMA, attrs.evolve(CLAIMS, scan=scan), KEY, now=NOW)
    result = verify_schema(signed, TOOL, EVIDENCE, now=NOW, policy=Policy(scan=policy))

    assert (result.valid, result.warnings) == (valid, warnings)


def test_a_scan_beside_the_statement_counts_for_nothing() -> None:
    signed = attrs.evolve(BARE, extra={"scan": SCAN.to_json(), "scan_passed": True})

    assert _code(signed, policy=Policy(scan=REQUIRED)) == "signature_invalid"


def test_a_result_has_the_members_of_the_sdk_and_ours() -> None:
    claims = attrs.evolve(CLAIMS, scan=SCAN, expires_at=NOW + timedelta(days=1), schema_version="1")
    signed = sign_schema_file(SCHEMA, claims, KEY, now=NOW)
    evidence = Evidence(discovery=_discovery(developer_name="Dev"), pins=MemoryPins())

    assert verify_schema(signed, TOOL, evidence, now=NOW).to_json() == {
        "valid": True,
        "domain": "tools.example",
        "developer_name": "Dev",
        "key_pinning": {"status": "first_use"},
        "expires_at": "2026-02-01T12:00:00Z",
        "schema_version": "1",
        "tool_id": "weather",
        "fingerprint": KEY.public_key.fingerprint,
        "skill_name": "weather",
        "signed_at": "2026-01-31T12:00:00Z",
        "scan": SCAN.to_json(),
        "hash_form": "double",
        "metadata_authenticated": True,
    }


@pytest.mark.parametrize("domain", ["", "127.0.0.1", "http://a.example", "a.example:80", "a.example/x", "one"])
def test_a_tool_is_of_a_domain(domain: str) -> None:
    with pytest.raises(MalformedError):
        Tool.of(domain, "weather")


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_code_is_read_in_both_letter_cases(code: ErrorCode) -> None:
    assert read_error_code(code.value) is read_error_code(code.value.upper()) is code


@pytest.mark.parametrize("text", ["", "Signature_Invalid", "signature-invalid", "other"])
def test_a_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no error code"):
        read_error_code(text)


def test_there_are_twelve_codes() -> None:
    assert len(ErrorCode) == 12


@given(st.binary(max_size=300))
def test_no_bytes_crash_a_verification(data: bytes) -> None:
    assert _code(evidence=Evidence(discovery=data)) == "discovery_invalid"
    assert _code(evidence=attrs.evolve(EVIDENCE, revocations=data)) == "discovery_invalid"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


SCHEMA_MEMBERS = ("signature", "signed_at", "metadata", "expires_at", "canonicalization", "statement", "signatures")
SKILL_MEMBERS = ("skill_name", "skill_hash", "file_manifest", "previous_hash", *SCHEMA_MEMBERS)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SCHEMA_MEMBERS, JSON_VALUES)))
def test_no_json_crashes_the_reader_of_signed_schemas(members: dict[str, Any]) -> None:
    try:
        signed = SignedSchema.from_bytes(json.dumps({"schema": SCHEMA, **members}).encode())
    except MalformedError:
        return
    assert not verify_schema(signed, TOOL, EVIDENCE, now=NOW).valid


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    folder.mkdir()
    (folder / "SKILL.md").write_bytes(b"# Weather\n")
    return folder


@given(st.fixed_dictionaries({"domain": st.just("tools.example")}, optional=dict.fromkeys(SKILL_MEMBERS, JSON_VALUES)))
def test_no_json_crashes_the_reader_of_signature_files(members: dict[str, Any]) -> None:
    data = json.dumps(members).encode()
    result = verify_skill(attrs.evolve(FOLDER[0], signature_file=data), TOOL, EVIDENCE, now=NOW)

    assert result.error_code in {"signature_invalid", "canonicalization_unsupported"}


@given(st.binary(max_size=300))
def test_no_signature_file_crashes_a_verification(data: bytes) -> None:
    result = verify_skill(attrs.evolve(FOLDER[0], signature_file=data), TOOL, EVIDENCE, now=NOW)

    assert result.error_code in {"signature_invalid", "domain_mismatch", "canonicalization_unsupported"}


FOLDER: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Read one folder for the tests that change its signature file only."""
    folder = tmp_path_factory.mktemp("skill")
    (folder / "SKILL.md").write_bytes(b"# Weather\n")
    FOLDER.append(read_folder(folder))


def test_a_folder_without_a_signature_file_is_not_valid(skill: Path) -> None:
    result = verify_skill(read_folder(skill), TOOL, EVIDENCE, now=NOW)

    assert result.error_code == "signature_invalid"
    assert result.error_message == "no .schemapin.sig in the skill folder"


def test_a_signature_file_that_is_a_link_is_named(skill: Path) -> None:
    (skill / ".schemapin.sig").symlink_to("SKILL.md")

    assert "Symbolic link" in str(verify_skill(read_folder(skill), TOOL, EVIDENCE, now=NOW).error_message)
