"""The head of an HTTP/1 request: where it wants to go, and what is sent on.

Source: RFC 9112 3 (request line, targets), 5 (fields), 6 (length of the body); RFC 9110 7.6 (what a proxy removes).
"""

import re
from collections.abc import Sequence

from attrs import frozen

from haldir_enforcer._proxy.names import ProxyError, parse_authority

MAX_HEAD_BYTES = 32 * 1024
"""Largest request head."""

MAX_FIELDS = 100
"""Header fields of one request."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of HTTP is no secret
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/1\.([01])")
_FIELD = re.compile(rf"({_TOKEN}):([ -~\t\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_END = b"\r\n\r\n"
_HTTP_PORT = 80

# RFC 9110 7.6.1, and what only concerns this proxy; Transfer-Encoding is refused before
_NOT_FORWARDED = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
}
_ALWAYS_FORWARDED = {"host", "content-length", "content-type", "authorization"}


@frozen(kw_only=True)
class Request:
    """One request.  A tunnel (CONNECT) has no ``head`` to send on."""

    host: str
    port: int
    is_tunnel: bool
    head: bytes
    body_bytes: int
    rest: bytes
    """What came after the head."""


class HeadReader:
    """Takes bytes as they come until the head of a request is complete."""

    def __init__(self, port: int) -> None:
        """``port`` is where a request goes that does not say it: the one that the client connected to."""
        self._raw = bytearray()
        self._port = port

    def feed(self, data: bytes) -> Request | None:
        """Return the request as soon as its head is complete.

        Raises: ProxyError if it is none that is carried.
        """
        searched = max(0, len(self._raw) - len(_END) + 1)
        self._raw += data
        end = self._raw.find(_END, searched)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._raw) > MAX_HEAD_BYTES):
            raise ProxyError("a request head that is too large")
        if end < 0:
            return None
        return parse_head(bytes(self._raw[:end]), bytes(self._raw[end + len(_END) :]), self._port)


def parse_head(head: bytes, rest: bytes, port: int) -> Request:
    """Read a request head without its final empty line.

    Raises: ProxyError if it is wrong in any way: two readers must not see two requests in it.
    """
    lines = head.decode("latin-1").split("\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise ProxyError("no HTTP/1 request")
    method, target, _ = match.groups()
    fields = _fields(lines[1:])
    named = _one(fields, "host")
    if method == "CONNECT":
        host, port = parse_authority(target, None)
        if named is not None and parse_authority(named, port) != (host, port):
            raise ProxyError("a Host header of another host than CONNECT")
        return Request(host=host, port=port, is_tunnel=True, head=b"", body_bytes=0, rest=rest)
    host, port, path = _destination(target, named, port)
    forwarded = [f"{method} {path} HTTP/1.1", *_forwarded(fields), "Connection: close"]
    return Request(
        host=host,
        port=port,
        is_tunnel=False,
        head="\r\n".join(forwarded).encode("latin-1") + _END,
        body_bytes=_body_bytes(fields),
        rest=rest,
    )


def response(status: str, text: str) -> bytes:
    """Return an answer of the proxy itself."""
    body = f"{text}\n".encode("ascii", "backslashreplace")
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + body


_Fields = Sequence[tuple[str, str]]


def _fields(lines: Sequence[str]) -> _Fields:
    if len(lines) > MAX_FIELDS:
        raise ProxyError("too many header fields")
    matches = [_FIELD.fullmatch(line) for line in lines]
    if None in matches:
        raise ProxyError("a wrong header field")
    return [(match[1], match[2].strip(" \t")) for match in matches if match is not None]


def _one(fields: _Fields, name: str) -> str | None:
    """Return the value of a field that may occur once."""
    values = [value for key, value in fields if key.lower() == name]
    if len(values) > 1:
        raise ProxyError(f"two {name} headers")
    return values[0] if values else None


def _destination(target: str, named: str | None, port: int) -> tuple[str, int, str]:
    """Return host, port and path of a request that is no CONNECT."""
    if named is None:
        raise ProxyError("no Host header")
    if target.startswith("/"):
        return *parse_authority(named, port), target
    scheme, colon, rest = target.partition("://")
    if not colon or scheme.lower() != "http":
        raise ProxyError("a target that is no path and no http:// URL")
    cut = min(at for at in (rest.find("/"), rest.find("?"), len(rest)) if at >= 0)
    authority, path = rest[:cut], rest[cut:]
    host, port = parse_authority(authority, _HTTP_PORT)
    if parse_authority(named, _HTTP_PORT) != (host, port):
        raise ProxyError("a Host header of another host than the target")
    return host, port, path if path.startswith("/") else f"/{path}"


def _forwarded(fields: _Fields) -> list[str]:
    own = {
        option.strip().lower() for key, value in fields if key.lower() == "connection" for option in value.split(",")
    }
    dropped = _NOT_FORWARDED | own - _ALWAYS_FORWARDED
    return [f"{key}: {value}" for key, value in fields if key.lower() not in dropped]


def _body_bytes(fields: _Fields) -> int:
    if _one(fields, "transfer-encoding") is not None:
        raise ProxyError("a body without a length: send Content-Length, or use TLS")
    length = _one(fields, "content-length")
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise ProxyError("a wrong Content-Length")
    return int(length)
