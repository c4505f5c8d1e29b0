import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import attrs
import pytest
from aiohttp import web

import haldir_sdk.schemapin
from haldir_core.errors import MalformedError, UnreadableError
from haldir_core.schemapin.a2a import A2aVerification, CallContext
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import AllowedDomains, Domain
from haldir_core.schemapin.evidence import Policy, Tool
from haldir_core.schemapin.folders import read_folder
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import DomainPolicy, MemoryPins
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.revocation import Demand, KeyRevocations, RevocationPolicy, RevokedKey
from haldir_core.schemapin.schemas import SignedSchema, sign_schema
from haldir_core.schemapin.sigfile import write_signature_file
from haldir_core.schemapin.signing import Claims, sign_skill
from haldir_sdk.schemapin.client import Client, DnsCheck
from haldir_sdk.schemapin.errors import FetchError, ResolveError
from haldir_sdk.schemapin.exchange import fetch_bundle
from haldir_sdk.schemapin.fetching import Fetcher
from haldir_sdk.schemapin.handlers import REVOCATIONS, TRUST_BUNDLE, Publication, routes
from haldir_sdk.schemapin.pinstore import PinStore
from haldir_sdk.schemapin.resolvers import BundleResolver, Origin, Resolved, WellKnownResolver
from haldir_sdk.schemapin.schemacache import SchemaCache

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("example.com")
SCHEMA = b'{"name": "weather", "parameters": {"b": 1, "a": "x"}}'
Open = Callable[..., PinStore]


class _Domains:
    """A resolver that gives what it is told, and counts who asks."""

    def __init__(self, found: Resolved | Exception | None) -> None:
        self.found = found
        self.asked = 0

    async def resolve(self, _: Domain) -> Resolved | None:
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def signature(key: PrivateKey) -> str:
    return sign_schema(json.loads(SCHEMA), key)


@pytest.fixture
def domains(discovery: Discovery) -> _Domains:
    return _Domains(Resolved(discovery=discovery))


def _verify(client: Client, signature: str, *, schema: bytes = SCHEMA) -> Verification:
    return asyncio.run(client.verify_schema(schema, signature, domain="example.com", tool_id="weather"))


def _client(pins: PinStore, resolver: object, **options: object) -> Client:
    return Client(pins, resolver, clock=lambda: NOW, **options)  # type: ignore[arg-type] # the options of a test


def test_a_schema_is_valid_and_its_key_is_pinned(open_store: Open, domains: _Domains, signature: str) -> None:
    with open_store() as pins:
        client = _client(pins, domains)
        first, second = _verify(client, signature), _verify(client, signature)
        assert (first.valid, first.key_pinning) == (True, PinStatus.FIRST_USE)
        assert (second.valid, second.key_pinning) == (True, PinStatus.PINNED)


def test_a_wrong_signature_pins_nothing(open_store: Open, domains: _Domains, other_key: PrivateKey) -> None:
    with open_store() as pins:
        result = _verify(_client(pins, domains), sign_schema(json.loads(SCHEMA), other_key))
        assert result.error_code is ErrorCode.SIGNATURE_INVALID
        assert pins.pins() == ()


def test_a_schema_that_is_no_json_is_not_valid(open_store: Open, domains: _Domains, signature: str) -> None:
    with open_store() as pins:
        result = _verify(_client(pins, domains), signature, schema=b'{"a": 1, "a": 2}')
        assert result.error_code is ErrorCode.SCHEMA_CANONICALIZATION_FAILED


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (None, ErrorCode.DISCOVERY_FETCH_FAILED),
        (FetchError("down"), ErrorCode.DISCOVERY_FETCH_FAILED),
        (MalformedError("d", "odd"), ErrorCode.DISCOVERY_INVALID),
        (ResolveError("odd"), ErrorCode.DISCOVERY_INVALID),
    ],
    ids=["unknown", "down", "malformed", "forbidden"],
)
def test_a_domain_without_documents_is_a_result(
    open_store: Open, domains: _Domains, signature: str, found: Exception | None, code: ErrorCode
) -> None:
    domains.found = found
    with open_store() as pins:
        assert _verify(_client(pins, domains), signature).error_code is code


@pytest.mark.parametrize("domain", ["example.com:443", "127.0.0.1", ""])
def test_what_is_no_domain_is_an_error(open_store: Open, domains: _Domains, signature: str, domain: str) -> None:
    with open_store() as pins, pytest.raises(MalformedError):
        asyncio.run(_client(pins, domains).verify_schema(SCHEMA, signature, domain=domain, tool_id="t"))


def test_a_warm_result_asks_nobody(open_store: Open, domains: _Domains, signature: str) -> None:
    with open_store() as pins:
        client = _client(pins, domains, cache=SchemaCache())
        results = [_verify(client, signature) for _ in range(4)]
        assert all(result.valid for result in results)
        assert domains.asked == 2  # the first one pins, which ends what was kept before
        assert results[3].key_pinning is PinStatus.PINNED


@pytest.mark.parametrize("event", ["revoked", "removed", "forbidden"])
def test_a_warm_result_ends_when_pins_or_revocations_change(
    open_store: Open, domains: _Domains, signature: str, key: PrivateKey, event: str
) -> None:
    with open_store() as pins:
        client = _client(pins, domains, cache=SchemaCache())
        for _ in range(3):
            _verify(client, signature)
        asked = domains.asked
        if event == "revoked":
            pins.note_revoked(HERE, [key.public_key.fingerprint], NOW)
        elif event == "removed":
            pins.remove("weather", HERE)
        else:
            pins.set_policy(HERE, DomainPolicy.NEVER_TRUST, NOW)
        result = _verify(client, signature)
        assert domains.asked == asked + 1
        codes = {"revoked": ErrorCode.KEY_REVOKED, "removed": None, "forbidden": ErrorCode.KEY_PIN_MISMATCH}
        assert result.error_code is codes[event]


def test_a_result_of_a_lax_client_is_not_used_by_a_strict_one(
    open_store: Open, domains: _Domains, discovery: Discovery, signature: str
) -> None:
    domains.found = Resolved(discovery=attrs.evolve(discovery, revocation_endpoint="https://keys.example/r"))
    cache = SchemaCache()
    with open_store() as pins:
        lax = _client(pins, domains, cache=cache, policy=Policy(revocation=RevocationPolicy(demand=Demand.NEVER)))
        for _ in range(3):
            assert _verify(lax, signature).valid
        strict = _verify(_client(pins, domains, cache=cache), signature)
        assert strict.error_code is ErrorCode.DISCOVERY_FETCH_FAILED


def _revocations(*keys: str, updated: datetime = NOW) -> KeyRevocations:
    return KeyRevocations.create(HERE, tuple(RevokedKey(key, "", "superseded") for key in keys), updated)


def test_a_key_that_was_seen_revoked_stays_revoked(
    open_store: Open, domains: _Domains, discovery: Discovery, signature: str, key: PrivateKey
) -> None:
    with open_store() as pins:
        client = _client(pins, domains)
        domains.found = Resolved(discovery=discovery, revocations=_revocations(key.public_key.fingerprint))
        assert _verify(client, signature).error_code is ErrorCode.KEY_REVOKED
        domains.found = Resolved(discovery=discovery)
        assert _verify(client, signature).error_code is ErrorCode.KEY_REVOKED


def test_a_server_cannot_give_an_older_revocation_document(
    open_store: Open, domains: _Domains, discovery: Discovery, signature: str
) -> None:
    old = _revocations(updated=NOW - timedelta(days=1))
    with open_store() as pins:
        client = _client(pins, domains)
        domains.found = Resolved(discovery=discovery, revocations=_revocations(), origin=Origin.SERVER)
        assert _verify(client, signature).valid
        domains.found = Resolved(discovery=discovery, revocations=old, origin=Origin.SERVER)
        assert "older than one seen before" in str(_verify(client, signature).error_message)
        domains.found = Resolved(discovery=discovery, revocations=old, origin=Origin.FILES)
        assert _verify(client, signature).valid


def test_revocations_of_another_domain_are_not_remembered(
    open_store: Open, domains: _Domains, discovery: Discovery, signature: str, key: PrivateKey
) -> None:
    foreign = KeyRevocations.create(Domain("evil.example"), (RevokedKey(key.public_key.fingerprint, "", ""),), NOW)
    with open_store() as pins:
        client = _client(pins, domains)
        domains.found = Resolved(discovery=discovery, revocations=foreign)
        assert _verify(client, signature).error_code is ErrorCode.KEY_REVOKED
        domains.found = Resolved(discovery=discovery)
        assert _verify(client, signature).valid


@pytest.mark.parametrize(
    ("answer", "check", "code"),
    [
        ("match", DnsCheck.COMPARE, None),
        ("none", DnsCheck.COMPARE, None),
        ("none", DnsCheck.REQUIRE, ErrorCode.DOMAIN_MISMATCH),
        ("mismatch", DnsCheck.COMPARE, ErrorCode.DOMAIN_MISMATCH),
        ("odd", DnsCheck.COMPARE, ErrorCode.DISCOVERY_INVALID),
        ("down", DnsCheck.COMPARE, ErrorCode.DISCOVERY_FETCH_FAILED),
        ("mismatch", DnsCheck.OFF, None),
    ],
)
def test_dns_must_not_contradict(  # noqa: PLR0917 - a table
    open_store: Open, domains: _Domains, signature: str, key: PrivateKey, answer: str, check: DnsCheck, code: object
) -> None:
    texts = {
        "match": DnsRecord(key.public_key.fingerprint).to_text(),
        "mismatch": DnsRecord("sha256:" + "00" * 32).to_text(),
        "odd": "v=schemapin1; fp=x",
    }

    async def lookup(_: str) -> Sequence[Sequence[bytes]]:
        if answer == "down":
            raise FetchError("down")
        return [[texts[answer].encode()]] if answer in texts else []

    with open_store() as pins:
        assert _verify(_client(pins, domains, dns=check, txt_lookup=lookup), signature).error_code is code


def test_a_signed_schema_file_is_verified(open_store: Open, domains: _Domains, signature: str) -> None:
    data = SignedSchema(schema=json.loads(SCHEMA), signature=signature).to_bytes()
    with open_store() as pins:
        client = _client(pins, domains, cache=SchemaCache())
        for _ in range(3):
            assert asyncio.run(client.verify_signed_schema(data, domain="example.com", tool_id="weather")).valid
        result = asyncio.run(client.verify_signed_schema(b"{}", domain="example.com", tool_id="weather"))
        assert result.error_code is ErrorCode.SCHEMA_CANONICALIZATION_FAILED


def test_a_skill_folder_is_verified(open_store: Open, domains: _Domains, key: PrivateKey, tmp_path: Path) -> None:
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: weather\n---\n")
    claims = Claims(tool=Tool.of("example.com", "weather"))
    write_signature_file(folder, sign_skill(read_folder(folder), claims, key, now=NOW))
    with open_store() as pins:
        client = _client(pins, domains)
        assert asyncio.run(client.verify_skill(folder, domain="example.com", tool_id="weather")).valid
        (folder / "SKILL.md").write_text("changed")
        result = asyncio.run(client.verify_skill(folder, domain="example.com", tool_id="weather"))
        assert result.error_code is ErrorCode.SIGNATURE_INVALID
        with pytest.raises(UnreadableError):
            asyncio.run(client.verify_skill(folder / "none", domain="example.com", tool_id="weather"))
        domains.found = None
        result = asyncio.run(client.verify_skill(folder, domain="example.com", tool_id="weather"))
        assert result.error_code is ErrorCode.DISCOVERY_FETCH_FAILED


def test_a_call_of_another_agent_is_verified(open_store: Open, domains: _Domains, signature: str) -> None:
    def call(depth: int, trusted: AllowedDomains, schema: bytes = SCHEMA) -> A2aVerification:
        context = CallContext(caller_agent_id="urn:a", delegation_depth=depth, trusted_domains=trusted)
        return asyncio.run(client.verify_for_a2a(schema, signature, context, domain="example.com", tool_id="weather"))

    with open_store() as pins:
        client = _client(pins, domains)
        assert call(1, AllowedDomains.unrestricted()).valid
        assert call(4, AllowedDomains.unrestricted()).verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION
        assert call(1, AllowedDomains.nothing()).verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION
        assert not call(1, AllowedDomains.unrestricted(), b"{").valid
        domains.found = None
        assert not call(1, AllowedDomains.unrestricted()).valid


def test_why_there_are_no_revocations_is_said(
    open_store: Open, domains: _Domains, discovery: Discovery, signature: str
) -> None:
    announced = attrs.evolve(discovery, revocation_endpoint="https://keys.example/r")
    domains.found = Resolved(discovery=announced, problem="keys.example: answered 500")
    with open_store() as pins:
        result = _verify(_client(pins, domains), signature)
        assert result.error_code is ErrorCode.DISCOVERY_FETCH_FAILED
        assert "answered 500" in str(result.error_message)


def test_a_bundle_is_enough_without_a_network(open_store: Open, discovery: Discovery, signature: str) -> None:
    announced = attrs.evolve(discovery, revocation_endpoint="https://keys.example/r")
    bundle = TrustBundle.create([(HERE, announced)], [], NOW)
    with open_store() as pins:
        assert _verify(_client(pins, BundleResolver(bundle)), signature).valid


class _Tls(Protocol):
    server: ssl.SSLContext
    client: ssl.SSLContext


def test_a_publisher_is_found_over_https_until_it_revokes_its_key(
    open_store: Open, discovery: Discovery, signature: str, key: PrivateKey, tls: _Tls
) -> None:
    endpoint = f"https://keys.example{REVOCATIONS}"
    published = [Publication(own=attrs.evolve(discovery, revocation_endpoint=endpoint), revocations=_revocations())]

    async def lookup(_: Domain) -> Sequence[str]:
        return ["127.0.0.1"]

    async def run() -> list[ErrorCode | None]:
        app = web.Application()
        app.add_routes(routes(lambda: published[0]))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server)
        await site.start()
        port = runner.addresses[0][1]
        fetcher = Fetcher(lookup=lookup, is_forbidden=lambda _: False, tls=tls.client, port=port)
        results: list[ErrorCode | None] = []
        try:
            with open_store() as pins:
                client = _client(pins, WellKnownResolver(fetcher), cache=SchemaCache())
                for step in range(5):
                    if step == 3:
                        revoked = _revocations(key.public_key.fingerprint, updated=NOW + timedelta(seconds=1))
                        published[0] = attrs.evolve(published[0], revocations=revoked)
                        pins.set_policy(
                            Domain("z.example"), DomainPolicy.NEVER_TRUST, NOW
                        )  # what ends the kept results
                    results.append(
                        (await client.verify_schema(SCHEMA, signature, domain=HERE, tool_id="weather")).error_code
                    )
        finally:
            await runner.cleanup()
        return results

    assert asyncio.run(run()) == [None, None, None, ErrorCode.KEY_REVOKED, ErrorCode.KEY_REVOKED]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_bundle_is_asked_for_from_another_agent(
    discovery: Discovery, key: PrivateKey, tls: _Tls, *, known: bool
) -> None:
    bundle = sign_bundle(TrustBundle.create([(HERE, discovery)], [], NOW), key, "auth", NOW)

    async def lookup(_: Domain) -> Sequence[str]:
        return ["127.0.0.1"]

    async def run() -> TrustBundle:
        app = web.Application()
        app.add_routes(routes(lambda: Publication(bundle=bundle)))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server)
        await site.start()
        port = runner.addresses[0][1]
        fetcher = Fetcher(lookup=lookup, is_forbidden=lambda _: False, tls=tls.client, port=port)
        try:
            domain = HERE if known else Domain("unknown.example")
            return await fetch_bundle(fetcher, f"https://example.com{TRUST_BUNDLE}", domain=domain)
        finally:
            await runner.cleanup()

    if known:
        assert verify_bundle(asyncio.run(run()), MemoryPins(), now=NOW).valid
    else:
        with pytest.raises(FetchError, match="nothing about"):
            asyncio.run(run())


def test_every_public_name_is_there() -> None:
    for name in haldir_sdk.schemapin.__all__:
        assert getattr(haldir_sdk.schemapin, name) is not None
    with pytest.raises(AttributeError):
        haldir_sdk.schemapin.nothing  # noqa: B018 - it raises
