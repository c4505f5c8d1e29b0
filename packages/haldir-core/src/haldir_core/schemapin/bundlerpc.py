"""The exchange of trust bundles between agents: JSON-RPC 2.0, method ``schemapin/trustBundle``."""

from typing import Self

from attrs import frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import HaldirError, MalformedError
from haldir_core.schemapin._fields import object_of
from haldir_core.schemapin.bundles import MAX_BYTES, TrustBundle
from haldir_core.schemapin.canon import parse_strict, parse_strict_object
from haldir_core.schemapin.domains import Domain, is_domain, parse_domain

METHOD = "schemapin/trustBundle"
MAX_REQUEST_BYTES = 16 * 1024
VERSION = "2.0"

PARSE_ERROR = -32700  # JSON-RPC 2.0, section 5.1
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
NOT_FOUND = -32004
"""A domain that no document of the bundle is for; of the range that is free for servers."""

MAX_ID_CHARACTERS = 256

RequestId = str | int | None


class RpcError(HaldirError):
    """A request or an answer is no JSON-RPC, or an answer reports an error.

    Attributes:
        code: the number that JSON-RPC has for it.
        request_id: the id of the request if it could be read.
    """

    def __init__(self, code: int, message: str, request_id: RequestId = None) -> None:
        """Say what is wrong."""
        super().__init__(message)
        self.code = code
        self.request_id = request_id


@frozen
class BundleRequest:
    """A request for a bundle: of one domain, or of all."""

    request_id: RequestId = None
    domain: Domain | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a request.

        Raises: RpcError with the code that the answer reports.
        """
        try:
            value = parse_strict(data, "request", max_bytes=MAX_REQUEST_BYTES)
        except MalformedError as error:
            raise RpcError(PARSE_ERROR, str(error)) from error
        if not isinstance(value, dict):
            raise RpcError(INVALID_REQUEST, "a request is one JSON object; batches are not taken")
        request_id = _request_id(value.get("id"))
        if value.get("jsonrpc") != VERSION or not isinstance(value.get("method"), str):
            raise RpcError(INVALID_REQUEST, "no JSON-RPC 2.0 request", request_id)
        if value["method"] != METHOD:
            raise RpcError(METHOD_NOT_FOUND, f"the one method here is {METHOD}", request_id)
        return cls(request_id, _domain_of(value.get("params"), request_id))

    def to_json(self) -> JsonObject:
        """Return the request as JSON value."""
        params: JsonObject = {} if self.domain is None else {"domain": self.domain}
        return {"jsonrpc": VERSION, "method": METHOD, "params": params, "id": self.request_id}


def answer(request: BundleRequest, bundle: TrustBundle) -> JsonObject:
    """Return the answer to ``request``: the bundle, or the part of it that is about the domain that was asked for.

    A signed bundle is answered whole, because a part of it has no signature.

    Raises: RpcError if it is not about that domain at all.
    """
    given = bundle if request.domain is None else _about(bundle, request.domain, request.request_id)
    return {"jsonrpc": VERSION, "result": {"bundle": given.to_json()}, "id": request.request_id}


def answer_error(error: RpcError) -> JsonObject:
    """Return the answer that reports ``error``."""
    return {"jsonrpc": VERSION, "error": {"code": error.code, "message": str(error)}, "id": error.request_id}


def read_answer(data: bytes, request: BundleRequest) -> TrustBundle:
    """Return the bundle that a server answered with; its signature is not verified here.

    Raises:
        RpcError: if the server reports an error, or answers something else than ``request``.
        MalformedError: if it is no answer, or the bundle is none.
    """
    members = parse_strict_object(data, "answer", max_bytes=MAX_BYTES)
    if members.get("jsonrpc") != VERSION:
        raise MalformedError("answer", "is no JSON-RPC 2.0")
    if members.get("error") is not None:
        _raise_reported(members["error"])
    if request.request_id is not None and members.get("id") != request.request_id:
        raise RpcError(INVALID_REQUEST, "the answer is to another request")
    bundle = object_of(members.get("result"), "answer: result").get("bundle")
    if bundle is None:
        raise MalformedError("answer", "has no result.bundle")
    return TrustBundle.from_json(bundle)


def _raise_reported(value: JsonValue) -> None:
    reported = object_of(value, "answer: error")
    code, message = reported.get("code"), reported.get("message")
    number = code if type(code) is int else INVALID_REQUEST
    raise RpcError(number, f"the server reports: {str(message)[:200]}")


def _about(bundle: TrustBundle, domain: Domain, request_id: RequestId) -> TrustBundle:
    documents = tuple(one for one in bundle.documents if is_domain(one.domain, domain))
    revocations = tuple(one for one in bundle.revocations if is_domain(one.domain, domain))
    if not documents and not revocations:
        raise RpcError(NOT_FOUND, f"the bundle has nothing about {domain}", request_id)
    if bundle.signature is not None:
        return bundle
    return TrustBundle(
        version=bundle.version, created_at=bundle.created_at, documents=documents, revocations=revocations
    )


def _request_id(value: JsonValue) -> RequestId:
    """Return the id of a request; the Python SDK sends null, which JSON-RPC allows but does not like."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS:
        return value
    raise RpcError(INVALID_REQUEST, "the id is no text, number or null")


def _domain_of(params: JsonValue, request_id: RequestId) -> Domain | None:
    if params is None:
        return None
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is no object", request_id)
    domain = params.get("domain")
    if domain is None:
        return None
    if not isinstance(domain, str):
        raise RpcError(INVALID_PARAMS, "domain is no text", request_id)
    try:
        return parse_domain(domain)
    except MalformedError as error:
        raise RpcError(INVALID_PARAMS, str(error), request_id) from error
