import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError, SigningError
from haldir_core.schemapin.bundlelint import portability_problems
from haldir_core.schemapin.bundlemerge import merge_bundles
from haldir_core.schemapin.bundlerpc import BundleRequest, RpcError, answer, answer_error, read_answer
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import AUTHORITY_DOMAIN, MemoryPins, Mode, Pin
from haldir_core.schemapin.revocation import KeyRevocations, RevokedKey
from haldir_core.schemapin.schemas import SignedSchema, schema_hash_form
from haldir_core.schemapin.signatures import Accepted

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "schemapin"
CASES = json.loads((VECTORS / "bundles.json").read_bytes())
KEYS = json.loads((VECTORS / "keys.json").read_bytes())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LANGUAGES = ("py", "js", "go")
MERGED_OTHERWISE = {"newest_wins_unrevokes", "reverse", "tz_string_compare"}
"""W13: the SDKs lose revocations when they merge, and compare times as texts."""


def _pins(pins: dict[str, str] | None) -> MemoryPins:
    listed = []
    for name, fingerprint in (pins or {}).items():
        tool_id, _, domain = name.rpartition("@")
        listed.append(Pin(tool_id=ToolId(tool_id), domain=Domain(domain), fingerprint=fingerprint))
    return MemoryPins(listed)


def _after(pins: MemoryPins) -> dict[str, str]:
    return {f"{pin.tool_id}@{pin.domain}": pin.fingerprint for pin in pins.pins()}


def _authority() -> PrivateKey:
    return PrivateKey.from_pem(KEYS["authority"]["private_key_pem"].encode())


def _bundle(**changes: JsonValue) -> TrustBundle:
    return TrustBundle.from_json({**CASES["sign_verify"][0]["bundle"], **changes})


@pytest.fixture
def signed() -> TrustBundle:
    return sign_bundle(_bundle(), _authority(), "auth-2026", NOW, expires_at=NOW + timedelta(days=1))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES["sign_verify"], ids=lambda case: case["name"])
def test_a_bundle_of_an_sdk_gets_the_verdict_of_the_python_sdk(case: dict[str, Any], language: str) -> None:
    result = verify_bundle(TrustBundle.from_json(case["signed"][language]), MemoryPins(), now=NOW)
    expected = case["verify"][language]["py"]
    if expected is True:
        assert result.valid
    else:  # where the Python SDK raises something else than its error, there is a result all the same
        assert result.code is ErrorCode.SIGNATURE_INVALID


@pytest.mark.parametrize("case", CASES["sign_verify"], ids=lambda case: case["name"])
def test_the_signed_bytes_are_those_of_the_python_sdk(case: dict[str, Any]) -> None:
    bundle = TrustBundle.from_json(case["signed"]["py"])
    assert bundle.signing_bytes() == case["signing_bytes_py"].encode()


@pytest.mark.parametrize("case", CASES["verify"], ids=lambda case: case["name"])
def test_a_bundle_gets_the_verdict_of_the_python_sdk(case: dict[str, Any]) -> None:
    expected = case["verdicts"]["py"]
    result = verify_bundle(TrustBundle.from_json(case["bundle"]), _pins(case["pins"]), now=NOW)
    assert (result.valid, result.code) == (expected["ok"], expected.get("code"))


@pytest.mark.parametrize("case", CASES["verify"], ids=lambda case: case["name"])
def test_only_an_authority_whose_signature_holds_is_pinned(case: dict[str, Any]) -> None:
    pins = _pins(case["pins"])
    result = verify_bundle(TrustBundle.from_json(case["bundle"]), pins, now=NOW)
    assert _after(pins) == (case["verdicts"]["py"]["pins_after"] if result.valid else case["pins"] or {})


def test_the_bundle_that_the_rust_sdk_signed_verifies() -> None:
    data = (VECTORS / "rust_signed_bundle.json").read_bytes()
    assert verify_bundle(TrustBundle.from_bytes(data), MemoryPins(), now=NOW).valid


def test_a_bundle_that_we_sign_verifies_and_pins_its_authority(signed: TrustBundle) -> None:
    pins = MemoryPins()
    read = TrustBundle.from_bytes(signed.to_bytes())
    assert verify_bundle(read, pins, now=NOW).status is PinStatus.FIRST_USE
    assert verify_bundle(read, pins, now=NOW).status is PinStatus.PINNED
    assert _after(pins) == {f"auth-2026@{AUTHORITY_DOMAIN}": KEYS["authority"]["fingerprint"]}


def test_a_bundle_by_another_key_of_the_same_name_is_refused(signed: TrustBundle) -> None:
    pins = MemoryPins()
    verify_bundle(signed, pins, now=NOW)
    other = sign_bundle(_bundle(), PrivateKey.generate(), "auth-2026", NOW)
    assert verify_bundle(other, pins, now=NOW).code is ErrorCode.KEY_PIN_MISMATCH


def test_an_unknown_authority_is_refused_in_strict_mode(signed: TrustBundle) -> None:
    assert verify_bundle(signed, MemoryPins(mode=Mode.STRICT), now=NOW).code is ErrorCode.KEY_PIN_MISMATCH


def test_an_expired_bundle_is_refused(signed: TrustBundle) -> None:
    result = verify_bundle(signed, MemoryPins(), now=NOW + timedelta(days=2))
    assert result.code is ErrorCode.BUNDLE_EXPIRED


def test_a_bundle_that_would_be_expired_at_once_is_not_signed() -> None:
    with pytest.raises(SigningError):
        sign_bundle(_bundle(), _authority(), "k", NOW, expires_at=NOW)


def test_every_changed_byte_of_what_is_used_is_refused(signed: TrustBundle) -> None:
    data = signed.to_bytes()
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            bundle = TrustBundle.from_bytes(changed)
        except MalformedError:
            continue
        if bundle.to_json() != signed.to_json():
            assert not verify_bundle(bundle, MemoryPins(), now=NOW).valid


def test_a_key_that_is_none_is_said_to_be_none() -> None:
    authority = {"kid": "k", "public_key_pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}
    bundle = _bundle(bundle_authority=authority, signature="AAAA")
    assert verify_bundle(bundle, MemoryPins(), now=NOW).code is ErrorCode.KEY_NOT_FOUND


def test_a_schema_signature_of_go_over_a_bundle_is_never_one_of_a_schema(signed: TrustBundle) -> None:
    value = signed.to_json() | {"signature": ""}
    schema = SignedSchema(schema=value, signature=signed.signature or "")
    key = _authority().public_key
    both = Accepted.DOUBLE_OR_SINGLE_HASH
    assert schema_hash_form(key, schema.signature, schema.schema, signed.signing_bytes(), both) is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"documents": {}},
        {"documents": [1]},
        {"documents": [{}]},
        {"documents": [{"domain": 1}]},
        {"revocations": [{}]},
        {"bundle_authority": "x"},
        {"bundle_authority": {"kid": "k"}},
        {"bundle_authority": {"kid": "a\nb", "public_key_pem": "x"}},
        {"signature": 1},
        {"expires_at": 4},
        {"created_at": []},
    ],
    ids=ascii,
)
def test_a_bundle_that_is_none_is_refused(value: JsonValue) -> None:
    with pytest.raises(MalformedError):
        TrustBundle.from_json(value)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(data: bytes) -> None:
    with pytest.raises(MalformedError):
        TrustBundle.from_bytes(data)


def test_the_document_of_a_domain_is_found_in_any_spelling() -> None:
    documents = [{"domain": "EXAMPLE.com", "public_key_pem": KEYS["dev"]["public_key_pem"]}]
    found = _bundle(documents=documents).find(Domain("example.com"))
    assert found is not None
    assert found.public_key_pem == KEYS["dev"]["public_key_pem"]
    assert _bundle(documents=documents).find(Domain("other.example")) is None


def test_a_damaged_document_does_not_harm_the_others() -> None:
    documents = [{"domain": "bad.example"}, {"domain": "a.example", "public_key_pem": KEYS["dev"]["public_key_pem"]}]
    bundle = _bundle(documents=documents)
    assert bundle.find(Domain("a.example"))
    with pytest.raises(MalformedError):
        bundle.find(Domain("bad.example"))


@pytest.mark.parametrize("case", CASES["merge"], ids=lambda case: case["name"])
def test_bundles_are_merged_as_the_python_sdk_merges_them(case: dict[str, Any]) -> None:
    merged = merge_bundles([TrustBundle.from_json(bundle) for bundle in case["bundles"]]).to_json()
    assert (merged == case["merged"]["py"]) is (case["name"] not in MERGED_OTHERWISE)


def test_a_newer_bundle_does_not_revoke_a_revocation() -> None:
    case = next(case for case in CASES["merge"] if case["name"] == "newest_wins_unrevokes")
    merged = merge_bundles([TrustBundle.from_json(bundle) for bundle in case["bundles"]])
    dev = KEYS["dev"]["fingerprint"]
    document, listed = merged.find(Domain("example.com")), merged.find_revocations(Domain("example.com"))
    assert document is not None
    assert document.revokes(dev)
    assert listed is not None
    assert listed.revokes(dev)


def test_moments_are_compared_when_bundles_are_merged() -> None:
    case = next(case for case in CASES["merge"] if case["name"] == "tz_string_compare")
    merged = merge_bundles([TrustBundle.from_json(bundle) for bundle in case["bundles"]])
    document = merged.find(Domain("example.com"))
    assert document is not None
    assert document.public_key_pem == KEYS["dev"]["public_key_pem"]


def test_a_bundle_without_a_time_is_the_oldest() -> None:
    other = [{"domain": "example.com", "public_key_pem": KEYS["dev2"]["public_key_pem"], "revoked_keys": []}]
    for odd in ("", "tomorrow"):
        merged = merge_bundles([_bundle(documents=other, created_at=odd), _bundle()])
        assert merged.documents[0].members["public_key_pem"] == KEYS["dev"]["public_key_pem"]


def test_the_order_of_bundles_does_not_change_what_is_revoked() -> None:
    entries = [RevokedKey(f"sha256:{digit * 64}", "", "superseded") for digit in "abc"]
    bundles = [
        TrustBundle.create([], [KeyRevocations.create(Domain("a.example"), (entry,), NOW + timedelta(days=day))], NOW)
        for day, entry in enumerate(entries)
    ]
    for order in (bundles, bundles[::-1], [bundles[1], bundles[2], bundles[0]]):
        (listed,) = merge_bundles(order).revocations
        assert {entry.fingerprint for entry in listed.revoked_keys} == {entry.fingerprint for entry in entries}
        assert listed.updated_at is not None
        assert listed.updated_at.moment == NOW + timedelta(days=2)


def test_a_merge_without_end_is_refused() -> None:
    with pytest.raises(MalformedError):
        merge_bundles([_bundle()] * 1001)


@pytest.mark.parametrize("case", CASES["sign_verify"], ids=lambda case: case["name"])
def test_the_lint_names_exactly_the_bundles_that_do_not_verify_everywhere(case: dict[str, Any]) -> None:
    everywhere = all(case["verify"]["py"][language] is True for language in LANGUAGES)
    assert (portability_problems(TrustBundle.from_json(case["bundle"])) == ()) is everywhere


def test_the_lint_says_where_and_why() -> None:
    (problem,) = portability_problems(
        _bundle(documents=[{"domain": "a.example", "revoked_keys": [], "public_key_pem": "x", "x5c": 1}])
    )
    assert "a.example" in problem
    assert "'x5c'" in problem


def _discovery() -> Discovery:
    return Discovery(public_key_pem=KEYS["dev"]["public_key_pem"], developer_name="Dev Co")


def test_a_bundle_that_we_make_is_portable() -> None:
    made = TrustBundle.create([(Domain("a.example"), _discovery())], [], NOW)
    assert portability_problems(made) == ()
    assert made.find(Domain("a.example")) == Discovery.from_json(_discovery().to_json())


def test_a_request_is_answered_with_the_signed_bundle(signed: TrustBundle) -> None:
    request = BundleRequest("7", Domain("example.com"))
    asked = BundleRequest.from_bytes(json.dumps(request.to_json()).encode())
    assert asked == request
    answered = read_answer(json.dumps(answer(asked, signed)).encode(), request)
    assert verify_bundle(answered, MemoryPins(), now=NOW).valid


def test_an_unsigned_bundle_is_cut_to_the_domain_that_was_asked_for() -> None:
    made = TrustBundle.create([(Domain("a.example"), _discovery()), (Domain("b.example"), _discovery())], [], NOW)
    answered = read_answer(
        json.dumps(answer(BundleRequest(1, Domain("b.example")), made)).encode(), BundleRequest(1, None)
    )
    assert [document.domain for document in answered.documents] == ["b.example"]


def test_a_domain_that_the_bundle_does_not_know_is_an_error(signed: TrustBundle) -> None:
    with pytest.raises(RpcError, match="nothing about") as raised:
        answer(BundleRequest(1, Domain("unknown.example")), signed)
    assert answer_error(raised.value)["id"] == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"[]", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","method":"x","id":1}', -32601),
        (b'{"jsonrpc":"1.0","method":"schemapin/trustBundle"}', -32600),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","id":[]}', -32600),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","id":true}', -32600),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","params":{"domain":1}}', -32602),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","params":{"domain":"../x"}}', -32602),
        (b'{"jsonrpc":"2.0","method":"' + b"x" * 20_000 + b'"}', -32700),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_request_that_is_none_gets_the_code_of_json_rpc(data: bytes, code: int) -> None:
    with pytest.raises(RpcError) as raised:
        BundleRequest.from_bytes(data)
    assert raised.value.code == code


@pytest.mark.parametrize("params", ['"params":{},', '"params":null,', ""])
def test_a_request_of_the_python_sdk_without_an_id_is_taken(params: str) -> None:
    data = f'{{"jsonrpc":"2.0","method":"schemapin/trustBundle",{params}"id":null}}'
    assert BundleRequest.from_bytes(data.encode()) == BundleRequest()


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {"bundle": []}},
        {"jsonrpc": "2.0", "id": 2, "result": {"bundle": {}}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32004, "message": "no"}},
        {"jsonrpc": "2.0", "id": 1, "error": 5},
    ],
    ids=ascii,
)
def test_an_answer_that_is_none_is_refused(value: dict[str, object]) -> None:
    with pytest.raises((MalformedError, RpcError)):
        read_answer(json.dumps(value).encode(), BundleRequest(1))
