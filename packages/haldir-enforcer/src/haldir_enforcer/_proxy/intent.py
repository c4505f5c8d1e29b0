"""Where a client wants to go, found out from what it sends first; bytes in, an intent out."""

from enum import StrEnum

from attrs import frozen

from haldir_enforcer._proxy.clienthello import HANDSHAKE, Hello, HelloReader
from haldir_enforcer._proxy.httphead import HeadReader, Request
from haldir_enforcer._proxy.names import ProxyError, is_address

_TLS_PORT = 443
_HTTP_PORT = 80


class Way(StrEnum):
    """How the client speaks with the proxy."""

    TLS = "tls"
    """It thinks it speaks with the server: the server name says with which."""
    TUNNEL = "connect"
    REQUEST = "http"


@frozen(kw_only=True)
class Intent:
    """A destination, what is to be sent there first, and how many bytes may follow (``None``: any number)."""

    way: Way
    host: str
    port: int
    first: bytes
    more_bytes: int | None


class IntentReader:
    """Takes the first bytes of a client that connected to ``port``."""

    def __init__(self, port: int) -> None:
        """Start at the first byte of the connection."""
        self._port = port
        self._sent = bytearray()
        self._hello: HelloReader | None = None
        self._head = HeadReader(port)

    @property
    def is_tls(self) -> bool:
        """Whether the client began like TLS, so that a refusal is an alert."""
        return self._hello is not None

    def feed(self, data: bytes) -> Intent | None:
        """Return the intent as soon as it is known.

        Raises: ProxyError if the client says nothing that can be carried.
        """
        if not self._sent and data[:1] == bytes((HANDSHAKE,)):
            self._hello = HelloReader()
        self._sent += data
        if self._hello is None:
            request = self._head.feed(data)
            return None if request is None else _of_request(request)
        hello = self._hello.feed(data)
        if hello is None:
            return None
        host = _of_hello(hello)
        return Intent(way=Way.TLS, host=host, port=self._port, first=bytes(self._sent), more_bytes=None)


class TunnelReader:
    """Takes the first bytes that a client sends into a tunnel, and lets them pass if they are for the tunnel's host."""

    def __init__(self, host: str, port: int) -> None:
        """The tunnel leads to ``host`` and ``port``."""
        self._host = host
        self._port = port
        self._held = bytearray()
        self._hello: HelloReader | None = None
        self._head: HeadReader | None = None
        self._passed = False

    def feed(self, data: bytes) -> bytes:
        """Return what may be sent on now.

        Raises: ProxyError if the client speaks to another host than the one it asked the tunnel for.
        """
        if self._passed or not data:
            return data
        if not self._held:
            self._choose(data[0])
        self._held += data
        if self._hello is not None and not self._is_for_us(self._hello.feed(data)):
            return b""
        if self._head is not None and not self._is_request_for_us(self._head.feed(data)):
            return b""
        self._passed = True
        held, self._held = bytes(self._held), bytearray()
        return held

    def _choose(self, first: int) -> None:
        if first == HANDSHAKE:
            self._hello = HelloReader()
        elif self._port == _TLS_PORT:
            raise ProxyError(f"no TLS in a tunnel to port {_TLS_PORT}")
        elif self._port == _HTTP_PORT:
            self._head = HeadReader(self._port)

    def _is_for_us(self, hello: Hello | None) -> bool:
        if hello is None:
            return False
        if hello.server_name is None and is_address(self._host) and not hello.encrypted:
            return True  # RFC 6066 3: an address has no server name
        if _of_hello(hello) != self._host:
            raise ProxyError("a server name of another host than CONNECT")
        return True

    def _is_request_for_us(self, request: Request | None) -> bool:
        if request is None:
            return False
        if request.is_tunnel or request.host != self._host:
            raise ProxyError("a request for another host than CONNECT")
        return True


def _of_hello(hello: Hello) -> str:
    if hello.encrypted:
        raise ProxyError("an encrypted ClientHello, which hides the host: switch it off")
    if hello.server_name is None:
        raise ProxyError("a ClientHello without server name")
    return hello.server_name


def _of_request(request: Request) -> Intent:
    if request.is_tunnel:
        return Intent(way=Way.TUNNEL, host=request.host, port=request.port, first=request.rest, more_bytes=None)
    body = request.rest[: request.body_bytes]
    return Intent(
        way=Way.REQUEST,
        host=request.host,
        port=request.port,
        first=request.head + body,
        more_bytes=request.body_bytes - len(body),  # and nothing after it: a second request is not looked at
    )
