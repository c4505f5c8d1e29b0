"""The server name of a TLS client, read from its first bytes.

Source: RFC 8446 4.1.2 and 5.1 (ClientHello, records), RFC 6066 3 (server_name), RFC 9849 5 (encrypted ClientHello).
"""

from attrs import frozen

from haldir_enforcer._proxy.names import ProxyError, is_address, parse_host

HANDSHAKE = 0x16
"""First byte of every TLS connection: the record type."""

MAX_HELLO_BYTES = 32 * 1024
"""Largest ClientHello that is read; one with a post-quantum key share has about 2,000 bytes."""

MAX_RECORDS = 64
"""Records that one ClientHello may be spread over; there is no need for more than three."""

UNRECOGNIZED_NAME = bytes.fromhex("15030300020270")
"""A fatal alert (RFC 8446 6.2: 112), which ends the client's handshake at once."""

_RECORD_HEADER = 5
_MAX_RECORD = 2**14  # RFC 8446 5.1
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ENCRYPTED_CLIENT_HELLO = 0xFE0D
_HOST_NAME = 0


@frozen(kw_only=True)
class Hello:
    """What a ClientHello says in the clear."""

    server_name: str | None
    encrypted: bool
    """It has an encrypted part, whose server name is another one; ``server_name`` is only that of the front."""


class HelloReader:
    """Takes bytes as they come until the ClientHello is complete."""

    def __init__(self) -> None:
        """Start at the first byte of a connection."""
        self._raw = bytearray()
        self._handshake = bytearray()
        self._records = 0

    def feed(self, data: bytes) -> Hello | None:
        """Return the ClientHello as soon as it is complete.

        Raises: ProxyError if this is no TLS client.
        """
        self._raw += data
        while len(self._raw) >= _RECORD_HEADER:
            kind, major, _, size = self._raw[0], self._raw[1], self._raw[2], int.from_bytes(self._raw[3:5], "big")
            if kind != HANDSHAKE or major != 3 or not 0 < size <= _MAX_RECORD:
                raise ProxyError("no TLS handshake")
            if len(self._raw) < _RECORD_HEADER + size:
                break
            self._handshake += self._raw[_RECORD_HEADER : _RECORD_HEADER + size]
            del self._raw[: _RECORD_HEADER + size]
            self._records += 1
            if self._records > MAX_RECORDS:
                raise ProxyError("a ClientHello in too many pieces")
            if (hello := self._complete()) is not None:
                return hello
        if self._raw and self._raw[0] != HANDSHAKE:
            raise ProxyError("no TLS handshake")
        return None

    def _complete(self) -> Hello | None:
        if self._handshake[0] != _CLIENT_HELLO:
            raise ProxyError("a TLS handshake that does not begin with ClientHello")
        if len(self._handshake) < 4:
            return None
        size = int.from_bytes(self._handshake[1:4], "big")
        if size > MAX_HELLO_BYTES:
            raise ProxyError("a ClientHello that is too large")
        if len(self._handshake) < 4 + size:
            return None
        return parse_client_hello(bytes(self._handshake[4 : 4 + size]))


def parse_client_hello(body: bytes) -> Hello:
    """Read the body of a ClientHello.

    Raises: ProxyError if it is damaged, or names its server in a way that no server can be found by.
    """
    fields = _Fields(body)
    fields.take(2 + 32)  # legacy_version, random
    if len(fields.vector(1)) > 32 or len(fields.vector(2)) % 2 or not fields.vector(1):
        raise ProxyError("a damaged ClientHello")
    if fields.is_at_end():
        return Hello(server_name=None, encrypted=False)  # RFC 5246 7.4.1.2: extensions may be missing
    extensions = _Fields(fields.vector(2))
    if not fields.is_at_end():
        raise ProxyError("a ClientHello with bytes after its end")
    seen: set[int] = set()
    name = None
    while not extensions.is_at_end():
        kind = extensions.number(2)
        value = extensions.vector(2)
        if kind in seen:
            raise ProxyError("a ClientHello with one extension twice")
        seen.add(kind)
        if kind == _SERVER_NAME:
            name = _server_name(value)
    return Hello(server_name=name, encrypted=_ENCRYPTED_CLIENT_HELLO in seen)


def _server_name(value: bytes) -> str:
    outer = _Fields(value)
    names = _Fields(outer.vector(2))
    kind = names.number(1)
    raw = names.vector(2)
    if kind != _HOST_NAME or not names.is_at_end() or not outer.is_at_end():
        raise ProxyError("a server name that is not one host name")  # RFC 6066 3: at most one of each type
    try:
        host = parse_host(raw.decode("ascii"))
    except UnicodeDecodeError as error:
        raise ProxyError("a server name that is not ASCII") from error
    if is_address(host):
        raise ProxyError("an address as server name")  # RFC 6066 3: literal addresses are not permitted
    return host


class _Fields:
    """Reads fields one after another; ends with ProxyError, never behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ProxyError("a ClientHello that is cut off")
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, prefix: int) -> bytes:
        return self.take(self.number(prefix))
