"""Trust bundles asked for from other agents, by JSON-RPC."""

import json
from typing import Protocol

from haldir_core.schemapin.bundlerpc import BundleRequest, RequestId, RpcError, read_answer
from haldir_core.schemapin.bundles import TrustBundle
from haldir_core.schemapin.domains import Domain
from haldir_sdk.schemapin.errors import FetchError


class PostsDocuments(Protocol):
    """Whatever sends a document: a `Fetcher`, whose limit must be large enough for a bundle."""

    async def post(self, url: str, body: bytes) -> bytes:
        """Send ``body`` to ``url`` and return the answer.

        Raises: FetchError
        """
        ...


async def fetch_bundle(
    fetcher: PostsDocuments, url: str, *, domain: Domain | None = None, request_id: RequestId = 1
) -> TrustBundle:
    """Return the bundle that an agent gives at ``url``; nothing of it is verified: see `verify_bundle`.

    Raises:
        FetchError: if nobody answers, or the answer is an error.
        MalformedError: if it is no answer, or the bundle is none.
    """
    request = BundleRequest(request_id, domain)
    data = await fetcher.post(url, json.dumps(request.to_json()).encode())
    try:
        return read_answer(data, request)
    except RpcError as error:
        raise FetchError(f"{url}: {error}") from error
