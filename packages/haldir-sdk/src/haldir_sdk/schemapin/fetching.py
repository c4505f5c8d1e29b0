"""Documents from other people's servers, fetched so that neither this machine nor its network is harmed."""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from attrs import field, frozen
from attrs.validators import gt

from haldir_core.errors import MalformedError
from haldir_core.schemapin.domains import Domain, parse_domain
from haldir_enforcer.policy import is_private
from haldir_sdk.schemapin.errors import FetchError, NotThereError

HTTPS_PORT = 443
MAX_URL_CHARACTERS = 2048
MAX_ADDRESSES = 16
"""Addresses of one name that are tried."""

_GOOD = 200
_GONE = frozenset({404, 410})
_CHUNK_BYTES = 16 * 1024
_ODD = re.compile(r"[\\\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\ufeff]")
"""What programs drop, or read as something else, in an address."""

Lookup = Callable[[Domain], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a name."""

Judge = Callable[[str], bool]
"""Whether an IP address must not be connected to."""


@frozen(kw_only=True)
class FetchLimits:
    """What one fetch may cost."""

    seconds: float = field(default=10.0, validator=gt(0))
    """From the first question to the last byte: name, connection, TLS, answer."""
    max_bytes: int = field(default=64 * 1024, validator=gt(0))


class Fetcher:
    """Fetches over https, from public addresses only.

    Redirects are refused.  A name is resolved once; if any of its addresses is not public it is refused, and what
    was judged is what is connected to, so that a second answer changes nothing.  Bodies are read up to the limit
    and never unpacked.  Proxies and credentials of the environment are not used, and there are no cookies.
    """

    def __init__(
        self,
        *,
        limits: FetchLimits | None = None,
        lookup: Lookup | None = None,
        is_forbidden: Judge = is_private,
        tls: ssl.SSLContext | None = None,
        port: int = HTTPS_PORT,
    ) -> None:
        """``lookup``, ``is_forbidden``, ``tls`` and ``port`` are for networks of one's own, and for tests."""
        self._limits = limits or FetchLimits()
        self._lookup = lookup or system_lookup
        self._is_forbidden = is_forbidden
        self._tls = tls
        self._port = port

    async def get(self, url: str) -> bytes:
        """Return the document at ``url``.

        Raises:
            NotThereError: if the server answers 404 or 410.
            FetchError: for anything else than a document within the limits.
        """
        return await self._exchange("GET", url, None)

    async def post(self, url: str, body: bytes) -> bytes:
        """Send a JSON document to ``url`` and return the answer.

        Raises: FetchError as `get`.
        """
        return await self._exchange("POST", url, body)

    async def _exchange(self, method: str, url: str, body: bytes | None) -> bytes:
        target = self._target(url)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._answer(method, target, body)
        except TimeoutError as error:
            raise FetchError(f"{url}: took longer than {self._limits.seconds:g} seconds") from error
        except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
            raise FetchError(f"{url}: {_words(error)}") from error

    def _target(self, text: str) -> str:
        """Return the address to be asked, built anew from the parts that are allowed."""
        parts = _split(text)
        try:
            domain = parse_domain(parts.hostname or "")
        except MalformedError as error:
            raise FetchError(f"{text[:200]!r} is not fetched: {error}") from error
        return urlunsplit(("https", f"{domain}:{self._port}", parts.path or "/", parts.query, ""))

    async def _answer(self, method: str, target: str, body: bytes | None) -> bytes:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "haldir"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connector = aiohttp.TCPConnector(
            resolver=_PinnedResolver(self._lookup, self._is_forbidden),
            ssl=self._tls or ssl.create_default_context(),
            use_dns_cache=False,
            force_close=True,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            ) as session,
            session.request(method, target, data=body, headers=headers, allow_redirects=False) as response,
        ):
            _check_head(response, self._limits.max_bytes)
            return await _body(response, self._limits.max_bytes)


async def system_lookup(domain: Domain) -> Sequence[str]:
    """Return the addresses that this system knows for a name."""
    found = await asyncio.get_running_loop().getaddrinfo(domain, HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class _PinnedResolver(AbstractResolver):
    """Gives aiohttp the addresses that were judged, which are then connected to without another question."""

    def __init__(self, lookup: Lookup, is_forbidden: Judge) -> None:
        self._lookup = lookup
        self._is_forbidden = is_forbidden

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = list(await self._lookup(Domain(host)))[:MAX_ADDRESSES]
        if not addresses:
            raise FetchError(f"{host}: has no address")
        forbidden = [address for address in addresses if self._is_forbidden(address)]
        if forbidden:
            raise FetchError(f"{host}: has the address {forbidden[0][:60]}, which is not of the public internet")
        return [_result(host, str(ip_address(address)), port, family) for address in addresses]

    async def close(self) -> None:
        """Nothing is open."""


def _result(host: str, address: str, port: int, family: socket.AddressFamily) -> ResolveResult:
    found = family or (socket.AF_INET6 if ":" in address else socket.AF_INET)
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=found,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _split(text: str) -> SplitResult:
    """Return the parts of an https address that holds nothing beside host, standard port, path and query."""
    shown = repr(text[:200])
    if len(text) > MAX_URL_CHARACTERS or _ODD.search(text):
        raise FetchError(f"{shown} is not fetched: too long, or with characters that no address has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise FetchError(f"{shown} is not fetched: {error}") from error
    if parts.scheme != "https":
        raise FetchError(f"{shown} is not fetched: only https is")
    if "@" in parts.netloc or "#" in text:
        raise FetchError(f"{shown} is not fetched: it holds a user name or a fragment")
    if port not in {None, HTTPS_PORT}:
        raise FetchError(f"{shown} is not fetched: only the standard port of https is asked")
    return parts


def _check_head(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    where = response.url.host
    if response.status in _GONE:
        raise NotThereError(f"{where}: there is no such document ({response.status})")
    if 300 <= response.status < 400:
        raise FetchError(f"{where}: redirects ({response.status}) are not followed")
    if response.status != _GOOD:
        raise FetchError(f"{where}: answered {response.status}")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise FetchError(f"{where}: sent a packed body ({encoding[:40]!r}), which was not asked for")
    if (response.content_length or 0) > max_bytes:
        raise FetchError(f"{where}: the document is larger than {max_bytes} bytes")


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            response.close()
            raise FetchError(f"{response.url.host}: the document is larger than {max_bytes} bytes")
    return bytes(data)


def _words(error: Exception) -> str:
    """Return what an error says, on one line; some of aiohttp say nothing."""
    return " ".join(str(error).split())[:300] or type(error).__name__
