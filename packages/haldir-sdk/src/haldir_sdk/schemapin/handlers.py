"""Ready-made aiohttp handlers: discovery documents, revocations, and trust bundles for agents.

Quick start::

    from aiohttp import web
    from haldir_sdk.schemapin.handlers import Publication, routes

    app = web.Application(client_max_size=64 * 1024)
    app.add_routes(routes(lambda: Publication(own=discovery, bundle=bundle)))
"""

import hashlib
from collections.abc import Callable, Mapping

from aiohttp import web
from attrs import field, frozen

from haldir_core.canonical import JsonValue, pretty_bytes
from haldir_core.errors import MalformedError
from haldir_core.schemapin.bundlerpc import (
    MAX_REQUEST_BYTES,
    PARSE_ERROR,
    BundleRequest,
    RpcError,
    answer,
    answer_error,
)
from haldir_core.schemapin.bundles import TrustBundle
from haldir_core.schemapin.discovery import WELL_KNOWN, WELL_KNOWN_FOLDER, Discovery
from haldir_core.schemapin.domains import Domain, parse_domain
from haldir_core.schemapin.revocation import KeyRevocations

REVOCATIONS = "/.well-known/schemapin-revocations.json"
"""Where we serve the revocation document of the domain itself; the discovery document must name the address."""

TRUST_BUNDLE = "/schemapin/trust-bundle"
"""Where we answer JSON-RPC requests for the bundle."""

MAX_AGE_SECONDS = 300
"""How long an answer may be kept by those on the way."""


@frozen(kw_only=True)
class Publication:
    """What a server publishes; what it does not have answers 404.

    Attributes:
        own: the document of the domain that the server is reached by.
        revocations: the revocation document of that domain.
        documents: documents of other domains that this server keeps.
        bundle: what agents get that ask for a bundle.
    """

    own: Discovery | None = None
    revocations: KeyRevocations | None = None
    documents: Mapping[Domain, Discovery] = field(factory=dict)
    bundle: TrustBundle | None = None


Published = Callable[[], Publication]
"""Gives what is published now; it is asked at each request."""


def routes(published: Published) -> list[web.RouteDef]:
    """Return the routes of all documents of a server."""
    pages = _Pages(published)
    return [
        web.get(WELL_KNOWN, pages.own),
        web.get(REVOCATIONS, pages.revocations),
        web.get(WELL_KNOWN_FOLDER + "/{name}", pages.of_domain),
        web.post(TRUST_BUNDLE, pages.trust_bundle),
    ]


@frozen
class _Pages:
    """The handlers."""

    _published: Published

    async def own(self, request: web.Request) -> web.Response:
        document = self._published().own
        return _document(request, document.to_bytes() if document else None)

    async def revocations(self, request: web.Request) -> web.Response:
        document = self._published().revocations
        return _document(request, document.to_bytes() if document else None)

    async def of_domain(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            domain = parse_domain(name.removesuffix(".json"))
        except MalformedError:
            return _document(request, None)
        document = self._published().documents.get(domain) if name.endswith(".json") else None
        return _document(request, document.to_bytes() if document else None)

    async def trust_bundle(self, request: web.Request) -> web.Response:
        try:
            asked = BundleRequest.from_bytes(await _request_body(request))
            bundle = self._published().bundle or TrustBundle()
            return _json(answer(asked, bundle))
        except RpcError as error:
            return _json(answer_error(error))


async def _request_body(request: web.Request) -> bytes:
    """Return the body of a request, which is read no further than its limit."""
    too_large = RpcError(PARSE_ERROR, f"a request has at most {MAX_REQUEST_BYTES} bytes")
    if (request.content_length or 0) > MAX_REQUEST_BYTES:
        raise too_large
    data = b""
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > MAX_REQUEST_BYTES:
            raise too_large
    return data


def _json(value: JsonValue) -> web.Response:
    """Return an answer to one request, which nobody on the way may give to another."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return web.Response(body=pretty_bytes(value), content_type="application/json", headers=headers)


def _document(request: web.Request, data: bytes | None) -> web.Response:
    """Return a document, or that the client has it already, or that there is none."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if data is None:
        return web.Response(
            status=404, body=b'{"error": "not found"}\n', content_type="application/json", headers=headers
        )
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers |= {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or tag in (text.strip().removeprefix("W/") for text in known.split(",")):
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type="application/json", headers=headers)
