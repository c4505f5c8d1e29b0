"""Attacks on caches, stores, imports, prompts and handlers of SchemaPin that once succeeded."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from haldir_core import Context, Keyring, KeyRole, Permissions, SkillIdentity, read_skill, sign, verify, write_vault
from haldir_core import PrivateKey as HaldirKey
from haldir_core.errors import MalformedError
from haldir_core.schemapin.a2a import CallContext
from haldir_core.schemapin.bothsigned import HaldirEnvelope
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.codes import Downgrade, ErrorCode, PinStatus, WarningCode
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.evidence import Tool
from haldir_core.schemapin.folders import read_folder
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import (
    AUTHORITY_DOMAIN,
    OFFERED,
    Candidate,
    Decision,
    DomainPolicy,
    Mode,
    Pin,
    PinError,
    Prompt,
    Question,
)
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.revocation import KeyRevocations
from haldir_core.schemapin.schemas import sign_schema
from haldir_core.schemapin.sigfile import write_signature_file
from haldir_core.schemapin.signing import Claims, sign_schema_file, sign_skill
from haldir_sdk.schemapin._database import DatabaseError
from haldir_sdk.schemapin.client import Client
from haldir_sdk.schemapin.handlers import TRUST_BUNDLE, Publication, routes
from haldir_sdk.schemapin.pinformats import read_pins
from haldir_sdk.schemapin.pinstore import PinStore
from haldir_sdk.schemapin.prompts import ConsolePrompt
from haldir_sdk.schemapin.resolvers import BundleResolver, Origin, Resolved
from haldir_sdk.schemapin.schemacache import ResultCache, SchemaCache, SharedSchemaCache, cache_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HALDIR_KEY = HaldirKey.from_seed(b"h" * 32)
HERE = Domain("example.com")
SCHEMA = b'{"name": "weather"}'
KEY = "sha256:" + "0a" * 32
COLUMNS = "public_key_pem, domain, developer_name, pinned_at, last_verified"
POLICIES = "CREATE TABLE domain_policies (domain, policy, created_at)"
ENDLESS = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS tool_id, x AS public_key_pem,"
    " x AS domain, x AS policy, x AS developer_name, x AS pinned_at, x AS last_verified FROM c WHERE x < 0"
)
Open = Callable[..., PinStore]


class _Domains:
    """A resolver that gives what it is told, and counts who asks."""

    def __init__(self, found: Resolved) -> None:
        self.found = found
        self.asked = 0

    async def resolve(self, _: Domain) -> Resolved | None:
        self.asked += 1
        return self.found


@pytest.fixture
def signature(key: PrivateKey) -> str:
    return sign_schema(json.loads(SCHEMA), key)


@pytest.fixture(params=["process", "shared"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> ResultCache:
    return SchemaCache() if request.param == "process" else SharedSchemaCache(tmp_path / "cache.db")


def _python_store(statements: str, *about: object) -> bytes:
    """Return a database that somebody made, with policies about anything."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(statements)
        for one in about:
            connection.execute("INSERT INTO domain_policies VALUES (?, 'always_trust', '')", (one,))
        connection.commit()
        return bytes(connection.serialize())
    finally:
        connection.close()


def test_a_key_that_is_accepted_once_is_asked_about_again(
    open_store: Open, discovery: Discovery, signature: str, cache: ResultCache
) -> None:
    asked: list[Question] = []

    def once(question: Question) -> Decision:
        asked.append(question)
        return Decision.TEMPORARY_ACCEPT

    with open_store(mode=Mode.INTERACTIVE, decide=once) as pins:
        client = Client(pins, _Domains(Resolved(discovery=discovery)), cache=cache, clock=lambda: NOW)
        for _ in range(2):
            result = asyncio.run(client.verify_schema(SCHEMA, signature, domain=HERE, tool_id="weather"))
            assert (result.valid, result.key_pinning) == (True, PinStatus.FIRST_USE)
        assert (len(asked), pins.pins()) == (2, ())


def test_a_key_that_is_accepted_once_is_nothing_to_a_strict_client_with_the_same_cache(
    open_store: Open, discovery: Discovery, signature: str, cache: ResultCache
) -> None:
    domains = _Domains(Resolved(discovery=discovery))
    with (
        open_store(mode=Mode.INTERACTIVE, decide=lambda _: Decision.TEMPORARY_ACCEPT) as lax,
        open_store(mode=Mode.STRICT) as strict,
    ):
        results = [
            asyncio.run(
                Client(pins, domains, cache=cache, clock=lambda: NOW).verify_schema(
                    SCHEMA, signature, domain=HERE, tool_id="weather"
                )
            )
            for pins in (lax, strict)
        ]
    assert [result.valid for result in results] == [True, False]


def test_a_bundle_that_lists_nothing_does_not_make_the_document_of_the_server_a_replay(
    open_store: Open, discovery: Discovery, signature: str
) -> None:
    bundle = TrustBundle.create([(HERE, discovery)], [], NOW)
    served = KeyRevocations.create(HERE, (), NOW - timedelta(days=30))
    server = _Domains(Resolved(discovery=discovery, revocations=served, origin=Origin.SERVER))
    with open_store() as pins:
        for resolver in (BundleResolver(bundle), server):
            client = Client(pins, resolver, clock=lambda: NOW)
            assert asyncio.run(client.verify_schema(SCHEMA, signature, domain=HERE, tool_id="weather")).valid


def test_nothing_is_fetched_for_a_call_through_too_many_hands(
    open_store: Open, discovery: Discovery, signature: str
) -> None:
    domains = _Domains(Resolved(discovery=discovery))
    with open_store() as pins:
        client = Client(pins, domains, clock=lambda: NOW)
        context = CallContext(caller_agent_id="a", delegation_depth=4)
        result = asyncio.run(client.verify_for_a2a(SCHEMA, signature, context, domain=HERE, tool_id="weather"))
    assert (result.verification.error_code, domains.asked) == (ErrorCode.A2A_SCOPE_VIOLATION, 0)


def test_a_store_in_a_folder_where_others_can_put_a_journal_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(DatabaseError, match="others can write its folder"):
        PinStore(folder / "pins.db")


@pytest.mark.parametrize(
    "statements",
    [
        f"CREATE VIEW pinned_keys AS {ENDLESS}; {POLICIES};",
        f"CREATE TABLE pinned_keys (tool_id AS (hex(zeroblob(a))), a, {COLUMNS}); {POLICIES};",
        f"CREATE TABLE pinned_keys (tool_id, {COLUMNS}); CREATE VIEW domain_policies AS {ENDLESS};",
    ],
    ids=["endless-view", "generated-gigabyte", "endless-policies"],
)
def test_a_foreign_database_runs_nothing(statements: str) -> None:
    with pytest.raises(MalformedError, match="computed"):
        read_pins(_python_store(statements))


@pytest.mark.parametrize("value", [5, 1.5, None, b"\0\xff"], ids=str)
def test_a_policy_about_no_text_is_an_error_in_words(value: object) -> None:
    data = _python_store(f"CREATE TABLE pinned_keys (tool_id, {COLUMNS}); {POLICIES};", value)
    with pytest.raises(MalformedError):
        read_pins(data)


def test_an_import_decides_nothing_about_authorities() -> None:
    with pytest.raises(MalformedError):
        read_pins(b'{"pinned_keys": {}, "domain_policies": {"_bundle_authority": "always_trust"}}')


def test_an_import_does_not_take_back_what_was_decided(open_store: Open) -> None:
    pin = Pin(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY)
    with open_store() as pins:
        pins.set_policy(HERE, DomainPolicy.NEVER_TRUST, NOW)
        with pytest.raises(PinError, match="never_trust"):
            pins.take_over([pin], {Domain("new.example"): DomainPolicy.DEFAULT, HERE: DomainPolicy.ALWAYS_TRUST}, NOW)
        assert (pins.pins(), pins.policies()) == ((), {HERE: DomainPolicy.NEVER_TRUST})


def test_an_import_of_pins_and_policies_is_written_whole_or_not_at_all(open_store: Open) -> None:
    pin = Pin(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY)
    with open_store() as pins:
        pins.note_revoked(HERE, [KEY], NOW)
        with pytest.raises(PinError, match="revoked"):
            pins.take_over([pin], {HERE: DomainPolicy.ALWAYS_TRUST}, NOW)
        assert pins.policies() == {}
        before = pins.epoch()
        assert pins.take_over([], {HERE: DomainPolicy.NEVER_TRUST}, NOW) == 0
        assert pins.epoch() > before


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), OSError(5, "gone"), ValueError("closed"), EOFError()]
)
def test_an_answer_that_cannot_be_read_is_a_no(error: Exception) -> None:
    def read() -> str:
        raise error

    candidate = Candidate(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY)
    prompt = Prompt.FIRST_TIME_KEY
    question = Question(prompt=prompt, candidate=candidate, pinned=(), offered=OFFERED[prompt])
    assert ConsolePrompt(read=read, write=lambda _: None)(question) is Decision.REJECT


def test_one_authority_is_trusted_and_not_all_of_the_world(
    open_store: Open, key: PrivateKey, other_key: PrivateKey
) -> None:
    bundles = [
        sign_bundle(TrustBundle.create([], [], NOW), who, kid, NOW) for who, kid in ((key, "a"), (other_key, "b"))
    ]
    answers = iter(["always", "accept"])
    lines: list[str] = []
    prompt = ConsolePrompt(read=lambda: next(answers, ""), write=lines.append)
    with open_store(mode=Mode.INTERACTIVE, decide=prompt) as pins:
        assert verify_bundle(bundles[0], pins, now=NOW).valid
        assert not verify_bundle(bundles[1], pins, now=NOW).valid
        assert [pin.domain for pin in pins.pins()] == [AUTHORITY_DOMAIN]
        assert pins.policies() == {}
    assert not any("always" in line for line in lines)


def test_an_answer_to_a_request_is_kept_by_nobody() -> None:
    async def work() -> list[tuple[int, str]]:
        app = web.Application()
        app.add_routes(routes(Publication))
        request = {"jsonrpc": "2.0", "method": "schemapin/trustBundle", "id": 1}
        found = []
        async with TestClient(TestServer(app)) as client:
            for body in (json.dumps(request), "nonsense"):
                async with client.post(TRUST_BUNDLE, data=body, headers={"If-None-Match": "*"}) as response:
                    found.append((response.status, response.headers["Cache-Control"]))
        return found

    assert asyncio.run(work()) == [(200, "no-store")] * 2


def test_a_journal_beside_the_store_is_not_read_where_the_store_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    PinStore(folder / "pins.db").close()
    os.chmod(folder, 0o1733)  # noqa: PTH101, S103 - beside os.stat of the store
    with pytest.raises(DatabaseError):
        PinStore(folder / "pins.db")


def test_an_answer_to_one_question_about_an_authority_lets_no_other_in(
    open_store: Open, key: PrivateKey, other_key: PrivateKey
) -> None:
    bundles = [
        sign_bundle(TrustBundle.create([], [], NOW), who, kid, NOW) for who, kid in ((key, "a"), (other_key, "b"))
    ]
    with open_store(mode=Mode.INTERACTIVE, decide=lambda _: Decision.ALWAYS_TRUST) as pins:
        assert [verify_bundle(bundle, pins, now=NOW).valid for bundle in bundles] == [False, False]
        assert (pins.pins(), pins.policies()) == ((), {})


def test_a_store_that_trusts_all_authorities_already_trusts_none_for_that(open_store: Open, key: PrivateKey) -> None:
    bundle = sign_bundle(TrustBundle.create([], [], NOW), key, "a", NOW)
    with open_store(mode=Mode.STRICT) as pins:
        with pins._database.writing() as connection:  # as an earlier version of the program wrote it
            connection.execute("INSERT INTO domain_policies VALUES (?, 'always_trust', '')", (AUTHORITY_DOMAIN,))
        assert not verify_bundle(bundle, pins, now=NOW).valid


@pytest.mark.parametrize("policy", DomainPolicy)
def test_nothing_is_decided_about_all_authorities(open_store: Open, policy: DomainPolicy) -> None:
    with open_store() as pins, pytest.raises(PinError, match="authorities"):
        pins.set_policy(AUTHORITY_DOMAIN, policy, NOW)


@pytest.fixture
def both(tmp_path: Path, key: PrivateKey) -> Path:
    """Return a skill that SchemaPin signed, and Haldir after it."""
    skill = tmp_path / "weather"
    skill.mkdir()
    (skill / "SKILL.md").write_text("---\nname: weather\n---\n", encoding="utf-8")
    claims = Claims(tool=Tool.of(HERE, "weather"))
    write_signature_file(skill, sign_skill(read_folder(skill), claims, key, now=NOW))
    identity = SkillIdentity("weather", "1.0.0", "skill.md")
    write_vault(skill, sign(read_skill(skill), identity, Permissions.deny_all(), HALDIR_KEY, clock=lambda: NOW))
    return skill


@pytest.mark.parametrize("change", ["none", "file", "vault", "untrusted", "no-envelope"])
def test_a_client_leaves_out_no_vault_without_a_good_envelope(
    open_store: Open, discovery: Discovery, both: Path, change: str
) -> None:
    trusted = HaldirKey.from_seed(b"s" * 32) if change == "untrusted" else HALDIR_KEY
    snapshot = read_skill(both)
    ring = Keyring.of([(trusted.public_key, KeyRole.PUBLISHER)])
    envelope = HaldirEnvelope(snapshot, verify(snapshot, ring, context=Context.RUNTIME, now=NOW))
    if change == "file":
        (both / "SKILL.md").write_text("---\nname: weather\n---\nevil\n", encoding="utf-8")
    elif change == "vault":
        (both / ".vault" / ".schemapin.sig").write_text("{}", encoding="utf-8")
    with open_store() as pins:
        client = Client(pins, _Domains(Resolved(discovery=discovery)), clock=lambda: NOW)
        given = None if change == "no-envelope" else envelope
        result = asyncio.run(client.verify_skill(both, domain=HERE, tool_id="weather", envelope=given))
        assert result.valid is (change == "none"), result.error_message
        assert bool(pins.pins()) is result.valid


BY_HAND = {
    "tool-id": "UPDATE pins SET tool_id = x'ff'",
    "domain": "UPDATE pins SET domain = x'00'",
    "fingerprint": "UPDATE pins SET fingerprint = x'00'",
    "pem": "UPDATE pins SET public_key_pem = x'00'",
    "developer": "UPDATE pins SET developer_name = x'00'",
    "pinned-at": "UPDATE pins SET pinned_at = x'00'",
    "last-verified": "UPDATE pins SET last_verified = x'00'",
    "policy": "UPDATE domain_policies SET policy = x'00'",
    "policy-word": "UPDATE domain_policies SET policy = 'sometimes'",
    "policy-domain": "UPDATE domain_policies SET domain = x'00'",
    "revoked": "UPDATE revoked_keys SET fingerprint = x'00'",
    "document": "UPDATE revocation_documents SET updated_at = x'00'",
    "document-word": "UPDATE revocation_documents SET updated_at = 'then'",
    "no-epoch": "DELETE FROM epochs",
    "epoch": "UPDATE epochs SET number = x'00'",
    "store": "UPDATE epochs SET store = x'00'",
    "no-table": "DROP TABLE pins",
}


@pytest.mark.parametrize("statement", BY_HAND.values(), ids=BY_HAND)
def test_a_store_that_was_changed_by_hand_is_an_error_in_words(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "state" / "pins.db"
    other = KEY.replace("0a", "0b")
    pin = Pin(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY, developer_name="D", last_verified="")
    with PinStore(path) as pins:
        pins.add([pin])
        pins.set_policy(HERE, DomainPolicy.INTERACTIVE_ONLY, NOW)
        pins.note_revoked(HERE, [other], NOW)
        pins.note_document(HERE, KeyRevocations.create(HERE, (), NOW), NOW)
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    candidate = Candidate(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY)
    failed = 0
    with PinStore(path) as pins:
        uses: tuple[Callable[[], object], ...] = (
            pins.pins, pins.policies, pins.epoch, lambda: pins.identity, lambda: pins.revoked(HERE),
            lambda: pins.newest_document(HERE), lambda: pins.peek(candidate), lambda: pins.commit(candidate, NOW),
            lambda: pins.add([pin]), lambda: pins.take_over([], {HERE: DomainPolicy.DEFAULT}, NOW),
            lambda: pins.note_revoked(HERE, [other], NOW), lambda: pins.remove("t", HERE),
            lambda: pins.note_document(HERE, KeyRevocations.create(HERE, (), NOW + timedelta(days=1)), NOW),
        )  # fmt: skip
        for use in uses:
            try:
                use()
            except DatabaseError:
                failed += 1
            except PinError:
                continue
    assert failed


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE results SET verified_at = x'ff'",
        "UPDATE results SET expires_at = x'ff'",
        "UPDATE results SET result = 'text'",
    ],
    ids=["verified-at", "expires-at", "result"],
)
def test_a_kept_result_that_was_changed_by_hand_is_not_used(tmp_path: Path, change: str) -> None:
    path = tmp_path / "state" / "cache.db"
    key = cache_key("weather", HERE, SCHEMA, demands=b"")
    result = Verification(valid=True, domain=HERE, tool_id=ToolId("weather"), key_pinning=PinStatus.PINNED)
    cache = SharedSchemaCache(path)
    cache.put(key, "sig", result, epoch=1, now=NOW)
    assert cache.get(key, "sig", epoch=1, now=NOW) is not None
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    assert cache.get(key, "sig", epoch=1, now=NOW) is None
    cache.close()


@pytest.mark.parametrize("mode", [Mode.AUTOMATIC, Mode.STRICT])
@pytest.mark.parametrize("cached", ["cached", "not-cached"])
def test_a_tool_that_had_a_statement_is_less_without_it(
    open_store: Open, discovery: Discovery, key: PrivateKey, mode: Mode, cached: str
) -> None:
    signed = sign_schema_file(json.loads(SCHEMA), Claims(tool=Tool.of(HERE, "weather")), key, now=NOW).to_bytes()
    members = json.loads(signed)
    bare = json.dumps({name: members[name] for name in ("schema", "signature")}).encode()
    domains = _Domains(Resolved(discovery=discovery))
    cache = SchemaCache() if cached == "cached" else None

    def verified(pins: PinStore, data: bytes) -> Verification:
        client = Client(pins, domains, cache=cache, clock=lambda: NOW)
        return asyncio.run(client.verify_signed_schema(data, domain=HERE, tool_id="weather"))

    with open_store() as pins:
        assert [verified(pins, bare).warnings for _ in range(3)] == [()] * 3
        assert verified(pins, signed).metadata_authenticated
        assert verified(pins, bare).warnings == (WarningCode.STATEMENT_DROPPED,)
    with open_store(mode=mode) as pins:
        result = verified(pins, bare)
        assert result.valid is (mode is Mode.AUTOMATIC)
        assert result.error_code is (ErrorCode.SIGNATURE_INVALID if mode is Mode.STRICT else None)
        assert verified(pins, signed).valid
        assert pins.remove("weather", HERE) == 1
    with open_store() as pins:
        assert verified(pins, bare).warnings == ()


def test_a_statement_of_a_tool_that_is_not_pinned_is_not_remembered(
    open_store: Open, discovery: Discovery, key: PrivateKey
) -> None:
    signed = sign_schema_file(json.loads(SCHEMA), Claims(tool=Tool.of(HERE, "weather")), key, now=NOW).to_bytes()
    with open_store(mode=Mode.INTERACTIVE, decide=lambda _: Decision.TEMPORARY_ACCEPT) as pins:
        client = Client(pins, _Domains(Resolved(discovery=discovery)), clock=lambda: NOW)
        assert asyncio.run(client.verify_signed_schema(signed, domain=HERE, tool_id="weather")).valid
        assert pins.downgrade(HERE, ToolId("weather")) is Downgrade.NONE


def test_a_store_of_the_first_version_keeps_its_pins_and_learns_about_statements(tmp_path: Path) -> None:
    path = tmp_path / "state" / "pins.db"
    pin = Pin(tool_id=ToolId("t"), domain=HERE, fingerprint=KEY)
    with PinStore(path) as pins:
        pins.add([pin])
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE statements; PRAGMA user_version = 1;")
    connection.close()
    with PinStore(path) as pins, PinStore(path) as other:
        assert [found.fingerprint for found in pins.pins()] == [KEY]
        pins.note_statement(HERE, ToolId("t"), NOW)
        assert other.downgrade(HERE, ToolId("t")) is Downgrade.WARNED
