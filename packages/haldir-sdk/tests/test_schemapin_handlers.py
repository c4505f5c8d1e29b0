import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDictProxy

from haldir_core.canonical import JsonValue
from haldir_core.schemapin.bundlerpc import BundleRequest, read_answer
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import MemoryPins
from haldir_core.schemapin.revocation import KeyRevocations
from haldir_sdk.schemapin.handlers import REVOCATIONS, TRUST_BUNDLE, Publication, routes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("example.com")
WELL_KNOWN = "/.well-known/schemapin.json"
Client = TestClient[web.Request, web.Application]
Result = TypeVar("Result")


@pytest.fixture
def publication(discovery: Discovery, key: PrivateKey) -> Publication:
    bundle = sign_bundle(TrustBundle.create([(HERE, discovery)], [], NOW), key, "auth", NOW)
    return Publication(
        own=discovery,
        revocations=KeyRevocations.create(HERE, (), NOW),
        documents={Domain("other.example"): discovery},
        bundle=bundle,
    )


def _with(publication: Publication, work: Callable[[Client], Awaitable[Result]]) -> Result:
    """Do ``work`` with a client of a server that publishes ``publication``."""

    async def run() -> Result:
        app = web.Application()
        app.add_routes(routes(lambda: publication))
        async with TestClient(TestServer(app)) as client:
            return await work(client)

    return asyncio.run(run())


def _get(publication: Publication, path: str, **headers: str) -> tuple[int, bytes, CIMultiDictProxy[str]]:
    async def work(client: Client) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        async with client.get(path, headers=headers) as response:
            return response.status, await response.read(), response.headers

    return _with(publication, work)


def _post(publication: Publication, data: object) -> dict[str, JsonValue]:
    async def work(client: Client) -> dict[str, JsonValue]:
        async with client.post(TRUST_BUNDLE, data=data) as response:
            assert response.status == 200
            answered: dict[str, JsonValue] = await response.json()
            return answered

    return _with(publication, work)


def test_the_document_of_the_domain_is_served(publication: Publication, discovery: Discovery) -> None:
    status, body, headers = _get(publication, WELL_KNOWN)
    assert status == 200
    assert Discovery.from_server(body) == discovery
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "public, max-age=300"


def test_revocations_are_served(publication: Publication) -> None:
    assert KeyRevocations.from_bytes(_get(publication, REVOCATIONS)[1]) == publication.revocations


def test_documents_of_other_domains_are_served_by_their_names(publication: Publication, discovery: Discovery) -> None:
    assert Discovery.from_server(_get(publication, "/.well-known/schemapin/other.example.json")[1]) == discovery
    assert _get(publication, "/.well-known/schemapin/OTHER.example.json")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/schemapin/unknown.example.json",
        "/.well-known/schemapin/other.example",
        "/.well-known/schemapin/..%2f..%2fetc%2fpasswd",
        "/.well-known/schemapin/x%00.json",
        "/.well-known/schemapin/.json",
        "/.well-known/schemapin/",
        "/",
    ],
)
def test_what_is_not_published_is_not_there(publication: Publication, path: str) -> None:
    assert _get(publication, path)[0] == 404


@pytest.mark.parametrize("path", [WELL_KNOWN, REVOCATIONS])
def test_a_server_that_publishes_nothing_has_nothing(path: str) -> None:
    assert _get(Publication(), path)[0] == 404


def test_who_has_the_document_already_does_not_get_it_again(publication: Publication) -> None:
    tag = _get(publication, WELL_KNOWN)[2]["ETag"]
    for known in (tag, f'"x", W/{tag}', "*"):
        status, body, headers = _get(publication, WELL_KNOWN, **{"If-None-Match": known})
        assert (status, body, headers["ETag"]) == (304, b"", tag)
    assert _get(publication, WELL_KNOWN, **{"If-None-Match": '"x"'})[0] == 200


def test_a_request_is_answered_with_a_bundle_that_verifies(publication: Publication) -> None:
    request = BundleRequest(7, HERE)
    bundle = read_answer(json.dumps(_post(publication, json.dumps(request.to_json()))).encode(), request)
    assert verify_bundle(bundle, MemoryPins(), now=NOW).valid


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", -32700),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","method":"x","id":1}', -32601),
        (b'{"jsonrpc":"2.0","method":"schemapin/trustBundle","params":{"domain":"unknown.example"},"id":1}', -32004),
        (b" " * 20_000, -32700),
    ],
    ids=["empty", "no-request", "method", "domain", "large"],
)
def test_a_request_that_cannot_be_answered_is_an_error_of_json_rpc(
    publication: Publication, data: bytes, code: int
) -> None:
    error = _post(publication, data)["error"]
    assert isinstance(error, dict)
    assert error["code"] == code


def test_a_request_without_end_is_not_read_to_its_end(publication: Publication) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 4096

    async def work(client: Client) -> int:
        try:
            async with client.post(TRUST_BUNDLE, data=endless()) as response:
                return len(await response.read())
        except aiohttp.ClientError:
            return 0  # the server has gone before all was sent, which is as good

    assert _with(publication, work) < 1000


def test_a_server_without_a_bundle_answers_with_an_empty_one() -> None:
    request = BundleRequest("a")
    bundle = read_answer(json.dumps(_post(Publication(), json.dumps(request.to_json()))).encode(), request)
    assert bundle.documents == ()
