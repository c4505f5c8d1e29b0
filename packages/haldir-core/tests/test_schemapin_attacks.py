"""Attacks on the core of SchemaPin that once succeeded, or that are tried on every member of every document."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from haldir_core import Context, Keyring, KeyRole, Permissions, SkillIdentity, read_skill, sign, verify, write_vault
from haldir_core import PrivateKey as HaldirKey
from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.a2a import CallContext, refused_depth
from haldir_core.schemapin.bothsigned import EnvelopeError, HaldirEnvelope
from haldir_core.schemapin.bundlemerge import merge_bundles
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.codes import ErrorCode, WarningCode
from haldir_core.schemapin.discovery import Discovery, read_fingerprint
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.evidence import Evidence, Policy, Tool
from haldir_core.schemapin.folders import FolderVault, read_folder, read_folder_with_contents
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import (
    AUTHORITY_DOMAIN,
    Candidate,
    Decision,
    DomainPolicy,
    MemoryPins,
    Mode,
    Pin,
    Question,
)
from haldir_core.schemapin.revocation import Demand, KeyRevocations, RevocationPolicy, RevokedKey
from haldir_core.schemapin.schemas import SignedSchema
from haldir_core.schemapin.sigfile import write_signature_file
from haldir_core.schemapin.signatures import Accepted
from haldir_core.schemapin.signing import Claims, sign_schema_file, sign_skill
from haldir_core.schemapin.times import Moment
from haldir_core.schemapin.verification import verify_schema, verify_skill

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("tools.example")
TOOL = Tool.of("tools.example", "weather")
KEY = PrivateKey.generate(lambda count: b"k" * count)
DISCOVERY = Discovery(public_key_pem=KEY.public_key.to_pem().decode(), schema_version="1.4", developer_name="D")
CLAIMS = Claims(tool=TOOL, expires_at=NOW + timedelta(days=5), schema_version="1", previous_hash="sha256:" + "cd" * 32)
NASTY: tuple[JsonValue, ...] = (
    None, True, 0, -1, 1e300, 10**400, "", "\0", "A" * 100, "sha256:", "sha256:" + "0" * 64, [], {}, [[]], [{}], ["x"],
    [None], {"a": 1}, [1] * 101, "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "\U0010ffff", "TOOLS.example",
    "tools.example.", "developer", "-----BEGIN PUBLIC KEY-----",
)  # fmt: skip


def _bundle(domain: str, created_at: str, *revoked: str) -> TrustBundle:
    document: JsonValue = {"domain": domain, **DISCOVERY.to_json(), "revoked_keys": list(revoked)}
    return TrustBundle.from_json(
        {"schemapin_bundle_version": "1.2", "created_at": created_at, "documents": [document], "revocations": []}
    )


def _places(value: JsonValue, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if place:
        yield place
    members: list[tuple[str | int, JsonValue]] = []
    if isinstance(value, dict):
        members = [*value.items()]
    elif isinstance(value, list):
        members = [*enumerate(value)]
    for name, inner in members:
        yield from _places(inner, (*place, name))


def _changed(value: JsonValue) -> Iterator[tuple[tuple[str | int, ...], bytes]]:
    """Yield every document in which one member is something else."""
    text = json.dumps(value)
    for place in _places(value):
        for nasty in NASTY:
            copy = inner = json.loads(text)
            for name in place[:-1]:
                inner = inner[name]
            inner[place[-1]] = nasty
            if copy != value:
                yield place, json.dumps(copy).encode()


@pytest.mark.parametrize("spelling", ["Tools.example", "TOOLS.EXAMPLE"])
def test_an_older_bundle_does_not_take_a_revocation_back_by_another_spelling(spelling: str) -> None:
    old = _bundle(spelling, "2025-01-01T00:00:00Z")
    new = _bundle("tools.example", "2026-01-01T00:00:00Z", KEY.public_key.fingerprint)
    merged = merge_bundles([old, new])
    found = merged.find(HERE)
    assert found is not None
    assert (len(merged.documents), found.revoked_keys) == (1, (KEY.public_key.fingerprint,))


def test_international_names_are_merged_in_one_spelling() -> None:
    merged = merge_bundles(
        [
            _bundle("b\u00fccher.example", "2025-01-01T00:00:00Z", "sha256:" + "0a" * 32),
            _bundle("xn--bcher-kva.example", "2026-01-01T00:00:00Z"),
        ]
    )
    assert len(merged.documents) == 1
    found = merged.find(Domain("xn--bcher-kva.example"))
    assert found is not None
    assert found.revoked_keys == ("sha256:" + "0a" * 32,)


def test_a_second_document_of_a_domain_still_revokes() -> None:
    bundle = attrs.evolve(
        _bundle("tools.example", "2026-01-01T00:00:00Z"),
        documents=(
            *_bundle("Tools.example", "2026-01-01T00:00:00Z").documents,
            *_bundle("tools.example", "2026-01-01T00:00:00Z", KEY.public_key.fingerprint).documents,
        ),
    )
    found = bundle.find(HERE)
    assert found is not None
    assert found.revokes(KEY.public_key.fingerprint)


@pytest.mark.parametrize("depth", [-1, 4, 10**30])
def test_a_call_through_too_many_hands_is_refused_before_anything_is_known(depth: int) -> None:
    result = refused_depth(TOOL, CallContext(caller_agent_id="a", delegation_depth=depth))
    assert result is not None
    assert result.verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION


@pytest.mark.parametrize("accepted", Accepted, ids=lambda form: form.value)
def test_no_changed_member_of_a_signed_schema_is_valid(accepted: Accepted) -> None:
    signed = json.loads(sign_schema_file({"name": "weather", "p": [1, {"a": "b"}]}, CLAIMS, KEY, now=NOW).to_bytes())
    policy = Policy(accepted=accepted)
    for place, data in _changed(signed):
        pins = MemoryPins()
        try:
            document = SignedSchema.from_bytes(data)
        except MalformedError:
            continue
        result = verify_schema(document, TOOL, Evidence(discovery=DISCOVERY, pins=pins), now=NOW, policy=policy)
        assert not result.metadata_authenticated, place
        assert not result.valid or place in {("statement",), ("signatures",)}, place
        assert result.valid or pins.pins() == (), place


def test_no_changed_member_of_a_signature_file_is_authenticated_but_what_names_no_one(tmp_path: Path) -> None:
    skill = tmp_path / "weather"
    skill.mkdir()
    (skill / "SKILL.md").write_text("---\nname: weather\n---\n", encoding="utf-8")
    signed = json.loads(sign_skill(read_folder(skill), CLAIMS, KEY, now=NOW))
    write_signature_file(skill, json.dumps(signed).encode())
    folder = read_folder(skill)
    for place, data in _changed(signed):
        result = verify_skill(attrs.evolve(folder, signature_file=data), TOOL, Evidence(discovery=DISCOVERY), now=NOW)
        free = place[0] in {"signer_kid", "schemapin_version", "file_manifest", "statement", "signatures"}
        assert not result.valid or free, place
        if result.metadata_authenticated:
            assert (result.metadata.expires_at, result.metadata.schema_version) == (signed["expires_at"], "1")


def test_no_changed_member_of_a_bundle_keeps_its_signature() -> None:
    entry = RevokedKey("sha256:" + "ef" * 32, "2026-01-01T00:00:00Z", "superseded")
    plain = TrustBundle.create([(HERE, DISCOVERY)], [KeyRevocations.create(HERE, (entry,), NOW)], NOW)
    signed = sign_bundle(plain, KEY, "kid", NOW, expires_at=NOW + timedelta(days=3))
    pin = Pin(tool_id=ToolId("kid"), domain=AUTHORITY_DOMAIN, fingerprint=KEY.public_key.fingerprint)
    pins = MemoryPins([pin], mode=Mode.STRICT)
    assert verify_bundle(signed, pins, now=NOW).valid
    for place, data in _changed(json.loads(signed.to_bytes())):
        try:
            assert not verify_bundle(TrustBundle.from_bytes(data), pins, now=NOW).valid, place
        except MalformedError:
            continue


@pytest.mark.parametrize("kind", ["discovery", "revocations"])
def test_no_changed_member_of_a_document_raises(kind: str) -> None:
    signed = sign_schema_file({"name": "weather"}, CLAIMS, KEY, now=NOW)
    entry = RevokedKey("sha256:" + "ef" * 32, "2026-01-01T00:00:00Z", "superseded")
    document = DISCOVERY.to_json() if kind == "discovery" else KeyRevocations.create(HERE, (entry,), NOW).to_json()
    for place, data in _changed(document):
        evidence = Evidence(discovery=data) if kind == "discovery" else Evidence(discovery=DISCOVERY, revocations=data)
        result = verify_schema(signed, TOOL, evidence, now=NOW)
        assert not (result.valid and place[0] in {"public_key_pem", "domain"} and b"TOOLS" not in data), place


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("policy", DomainPolicy)
def test_what_was_decided_about_one_authority_pins_no_other(mode: Mode, policy: DomainPolicy) -> None:
    candidate = Candidate(tool_id=ToolId("b"), domain=AUTHORITY_DOMAIN, fingerprint=KEY.public_key.fingerprint)
    pins = MemoryPins(mode=mode, policies={AUTHORITY_DOMAIN: policy}, decide=lambda _: Decision.REJECT)
    assert pins.commit(candidate, NOW).is_refused is (mode is not Mode.AUTOMATIC)


@pytest.mark.parametrize("decision", [Decision.ALWAYS_TRUST, Decision.NEVER_TRUST])
def test_an_answer_about_all_authorities_is_not_offered_and_rejects(decision: Decision) -> None:
    asked: list[Question] = []

    def decide(question: Question) -> Decision:
        asked.append(question)
        return decision

    pins = MemoryPins(mode=Mode.INTERACTIVE, decide=decide)
    for kid, key in (("a", KEY), ("b", PrivateKey.generate())):
        bundle = sign_bundle(TrustBundle.create([], [], NOW), key, kid, NOW)
        assert not verify_bundle(bundle, pins, now=NOW).valid
    assert [decision in question.offered for question in asked] == [False, False]
    assert pins.pins() == ()


HEX = KEY.public_key.fingerprint.removeprefix("sha256:")
PAIRS = [HEX[at : at + 2] for at in range(0, 64, 2)]
SPELLINGS = {
    "colons": ":".join(PAIRS).upper(),
    "prefix-and-colons": "sha256:" + ":".join(PAIRS),
    "equals-sign": "SHA256=" + ":".join(PAIRS).upper(),
    "capitals": HEX.upper(),
    "blank-after-prefix": f"sha256: {HEX}",
    "hyphen-in-prefix": f"SHA-256:{HEX}",
    "bare": HEX,
    "blanks-around": f"\t sha256:{HEX}\n",
    "blanks-between": " ".join(PAIRS),
    "hyphens-between": "-".join(PAIRS),
}


def _revoking(text: str) -> KeyRevocations:
    return KeyRevocations(
        domain=HERE, updated_at=Moment.parse("2026-02-28T00:00:00Z"), revoked_keys=(RevokedKey(text, "", ""),)
    )


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("kind", ["simple", "document"])
def test_a_revoked_key_is_revoked_however_its_fingerprint_is_written(text: str, kind: str) -> None:
    signed = sign_schema_file({"name": "weather"}, CLAIMS, KEY, now=NOW)
    if kind == "simple":
        evidence = Evidence(discovery=attrs.evolve(DISCOVERY, revoked_keys=(text,)))
    else:
        evidence = Evidence(discovery=DISCOVERY, revocations=_revoking(text))
    assert verify_schema(signed, TOOL, evidence, now=NOW).error_code is ErrorCode.KEY_REVOKED


UNREAD = {
    "short": "sha256:abcd",
    "base64": "SHA256:" + "q" * 43,
    "word": "old-key",
    "empty": "",
    "joiner": HEX + "\u200b",
}


@pytest.mark.parametrize("text", UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("demand", Demand)
def test_an_entry_that_names_no_key_is_not_passed_over_in_silence(text: str, demand: Demand) -> None:
    signed = sign_schema_file({"name": "weather"}, CLAIMS, KEY, now=NOW)
    policy = Policy(revocation=RevocationPolicy(demand=demand))
    simple = attrs.evolve(DISCOVERY, revoked_keys=(text,))
    announced = attrs.evolve(DISCOVERY, revocation_endpoint="https://tools.example/revoked.json")
    for discovery, document, refused in (
        (simple, _revoking("sha256:" + "0e" * 32), demand is Demand.ALWAYS),
        (DISCOVERY, _revoking(text), demand is Demand.ALWAYS),
        (announced, _revoking(text), demand is not Demand.NEVER),
    ):
        evidence = Evidence(discovery=discovery, revocations=document)
        result = verify_schema(signed, TOOL, evidence, now=NOW, policy=policy)
        if refused:
            assert result.error_code is ErrorCode.DISCOVERY_INVALID
        else:
            assert (result.valid, result.warnings) == (True, (WarningCode.REVOCATION_UNKNOWN,))


def test_a_long_entry_takes_no_time_to_refuse() -> None:
    for text in ("sha256" + " " * 10**5, "ab" * 10**5, "sha256:" + "a:" * 10**5):
        assert read_fingerprint(text) is None


HALDIR_KEY = HaldirKey.from_seed(b"h" * 32)
RING = Keyring.of([(HALDIR_KEY.public_key, KeyRole.PUBLISHER)])


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Return a skill that SchemaPin signed, and Haldir after it."""
    skill = tmp_path / "weather"
    (skill / "scripts").mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: weather\n---\n", encoding="utf-8")
    (skill / "scripts" / "run.py").write_text("print('rain')\n", encoding="utf-8")
    write_signature_file(skill, sign_skill(read_folder(skill), CLAIMS, KEY, now=NOW))
    _seal(skill)
    return skill


def _seal(skill: Path) -> None:
    identity = SkillIdentity("weather", "1.0.0", "skill.md")
    write_vault(skill, sign(read_skill(skill), identity, Permissions.deny_all(), HALDIR_KEY, clock=lambda: NOW))


def _envelope(skill: Path, ring: Keyring = RING) -> HaldirEnvelope:
    snapshot = read_skill(skill)
    return HaldirEnvelope(snapshot, verify(snapshot, ring, context=Context.RUNTIME, now=NOW))


def test_a_vault_is_left_out_where_its_envelope_covers_what_was_read(both: Path) -> None:
    folder = read_folder_with_contents(both)
    vault = _envelope(both).vault_of(folder)
    result = verify_skill(folder, TOOL, Evidence(discovery=DISCOVERY), now=NOW, vault=vault)
    assert (vault, result.metadata_authenticated) == (FolderVault.LEFT_OUT, True)


@pytest.mark.parametrize("change", ["changed", "added", "removed", "signature", "renamed"])
def test_a_folder_that_changes_between_two_readings_is_not_covered(both: Path, change: str) -> None:
    envelope, script = _envelope(both), both / "scripts" / "run.py"
    if change == "changed":
        script.write_text("print('evil')\n", encoding="utf-8")
    elif change == "added":
        (both / "new.py").write_text("", encoding="utf-8")
    elif change == "removed":
        script.unlink()
    elif change == "signature":
        (both / ".schemapin.sig").write_bytes(b"{}")
    else:
        script.rename(both / "script")
        (both / "scripts").rmdir()
    with pytest.raises(EnvelopeError, match="changed between two readings"):
        envelope.vault_of(read_folder_with_contents(both))


def test_a_verdict_on_another_envelope_covers_nothing(both: Path, tmp_path: Path) -> None:
    good = _envelope(both)
    evil = tmp_path / "evil"
    shutil.copytree(both, evil)
    (evil / "scripts" / "run.py").write_text("print('evil')\n", encoding="utf-8")
    shutil.rmtree(evil / ".vault")
    _seal(evil)
    forged = HaldirEnvelope(read_skill(evil), good.verdict)
    with pytest.raises(EnvelopeError, match="another Haldir envelope"):
        forged.vault_of(read_folder_with_contents(evil))
    with pytest.raises(EnvelopeError, match="two folders"):
        good.vault_of(read_folder_with_contents(evil))


def test_an_envelope_that_nobody_trusts_covers_nothing(both: Path) -> None:
    stranger = Keyring.of([(HaldirKey.from_seed(b"s" * 32).public_key, KeyRole.PUBLISHER)])
    with pytest.raises(EnvelopeError, match="not valid"):
        _envelope(both, stranger).vault_of(read_folder_with_contents(both))


def test_a_reading_without_the_digests_of_contents_is_not_compared(both: Path) -> None:
    with pytest.raises(EnvelopeError, match="read_folder_with_contents"):
        _envelope(both).vault_of(read_folder(both))


def test_a_folder_without_an_envelope_is_not_covered(both: Path) -> None:
    envelope = _envelope(both)
    shutil.rmtree(both / ".vault")
    with pytest.raises(EnvelopeError, match="no Haldir envelope"):
        HaldirEnvelope(read_skill(both), envelope.verdict).vault_of(read_folder_with_contents(both))


def test_a_bundle_has_expired_at_the_very_moment_that_it_names() -> None:
    expires_at = NOW + timedelta(days=1)
    pins = MemoryPins()
    signed = sign_bundle(TrustBundle.create([], [], NOW), KEY, "kid", NOW, expires_at=expires_at)
    assert verify_bundle(signed, pins, now=expires_at - timedelta(microseconds=1)).valid
    assert verify_bundle(signed, pins, now=expires_at).code is ErrorCode.BUNDLE_EXPIRED
