import asyncio
import contextlib
import ssl
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from haldir_core.schemapin.domains import Domain
from haldir_sdk.schemapin.errors import FetchError, NotThereError
from haldir_sdk.schemapin.fetching import Fetcher, FetchLimits, system_lookup

URL = "https://example.com/.well-known/schemapin.json"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LONGEST_SECONDS = 30

Serve = Callable[..., AbstractAsyncContextManager["Serving"]]
Make = Callable[..., Fetcher]


class Serving(Protocol):
    """What the fixture ``serving`` gives."""

    port: int
    connections: int


def _answering(*parts: bytes) -> object:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()

    return handle


def _get(serving: Serve, make: Make, handler: object, url: str = URL, **options: object) -> bytes:
    """Fetch from a server that answers with ``handler``; a test that hangs ends."""

    async def run() -> bytes:
        async with asyncio.timeout(LONGEST_SECONDS), serving(handler) as server:
            return await make(server.port, **options).get(url)

    return asyncio.run(run())


def test_a_document_is_fetched(serving: Serve, fetcher: Make) -> None:
    assert _get(serving, fetcher, _answering(GOOD)) == b"{}"


def test_the_query_of_an_address_is_sent_as_it_is(serving: Serve, fetcher: Make) -> None:
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(GOOD)
        await writer.drain()

    _get(serving, fetcher, handle, "https://EXAMPLE.com/a%2Fb?c=%20d")
    assert asked[0].startswith(b"GET /a%2Fb?c=%20d HTTP/1.1\r\nHost: example.com")
    assert b"Accept-Encoding: identity" in asked[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "//example.com/x",
        "example.com",
        "",
        "https://",
        "https:///x",
        "https://user@example.com/x",
        "https://user:pw@example.com/x",
        "https://:pw@example.com/x",
        "https://example.com@127.0.0.1/x",
        "https://example.com:8443/x",
        "https://example.com:0/x",
        "https://example.com:99999/x",
        "https://127.0.0.1/x",
        "https://0x7f.1/x",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://localhost/x",
        "https://example.com./x",
        "https://example.com/x#y",
        "https://example.com\\@evil.example/x",
        "https://exa mple.com/x",
        "https://example.com/\r\nX: y",
        "https://example.com/" + "x" * 3000,
        "https://ex\u00e4mple\u200b.com/x",
    ],
    ids=lambda url: ascii(url)[:40],
)
def test_an_address_that_is_more_or_less_than_https_and_a_host_is_not_fetched(url: str) -> None:
    async def lookup(_: Domain) -> Sequence[str]:
        pytest.fail("looked up")

    with pytest.raises(FetchError):
        asyncio.run(Fetcher(lookup=lookup).get(url))


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["172.16.0.1"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],  # noqa: S104 - to be refused
        ["224.0.0.1"],
        ["255.255.255.255"],
        ["192.0.0.192"],
        ["198.18.0.1"],
        ["::1"],
        ["::"],
        ["::ffff:127.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["::127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["64:ff9b::a9fe:a9fe"],
        ["64:ff9b:1::1"],
        ["2002:7f00:1::1"],
        ["2002:a9fe:a9fe::"],
        ["2001:0:7f00:1::"],
        ["fe80::1"],
        ["fe80::1%eth0"],
        ["fc00::1"],
        ["fd00:ec2::254"],
        ["ff02::1"],
        ["2001:db8::1"],
        ["no address"],
        [""],
        ["93.184.215.14", "127.0.0.1"],
        ["2606:2800:21f::1", "64:ff9b::7f00:1"],
        [],
    ],
    ids=lambda addresses: "+".join(addresses) or "none",
)
def test_a_name_with_an_address_that_is_not_public_is_not_connected_to(serving: Serve, addresses: list[str]) -> None:
    async def lookup(_: Domain) -> Sequence[str]:
        return addresses

    async def run() -> int:
        async with asyncio.timeout(LONGEST_SECONDS), serving(_answering(GOOD)) as server:
            with pytest.raises(FetchError):
                await Fetcher(lookup=lookup, port=server.port).get(URL)
            return server.connections

    assert asyncio.run(run()) == 0


def test_what_was_judged_is_what_is_connected_to(serving: Serve, tls: "TlsSides") -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.3"]])
    judged: list[str] = []

    async def lookup(_: Domain) -> Sequence[str]:
        return next(answers)

    def is_forbidden(address: str) -> bool:
        judged.append(address)
        return address != "127.0.0.1"

    async def run() -> bytes:
        async with asyncio.timeout(LONGEST_SECONDS), serving(_answering(GOOD)) as server:
            fetcher = Fetcher(lookup=lookup, is_forbidden=is_forbidden, tls=tls.client, port=server.port)
            return await fetcher.get(URL)

    assert asyncio.run(run()) == b"{}"
    assert judged == ["127.0.0.1"]
    assert next(answers) == ["127.0.0.2"]


class TlsSides(Protocol):
    """What the fixture ``tls`` gives."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serving: Serve, fetcher: Make, status: int) -> None:
    other = _Counting()

    async def run() -> None:
        async with asyncio.timeout(LONGEST_SECONDS), serving(other) as second:
            there = f"https://example.com:{second.port}/x".encode()
            head = b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, there)
            async with serving(_answering(head)) as server:
                await fetcher(server.port).get(URL)

    with pytest.raises(FetchError, match="redirects"):
        asyncio.run(run())
    assert other.count == 0


class _Counting:
    """Counts who comes, and says nothing."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        self.count += 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_document_that_is_not_there_is_said_to_be_not_there(serving: Serve, fetcher: Make, status: int) -> None:
    with pytest.raises(NotThereError):
        _get(serving, fetcher, _answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 500, 503])
def test_any_other_status_is_no_document(serving: Serve, fetcher: Make, status: int) -> None:
    with pytest.raises(FetchError, match=str(status)):
        _get(serving, fetcher, _answering(b"HTTP/1.1 %d Odd\r\nContent-Length: 0\r\n\r\n" % status))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_a_packed_body_is_not_unpacked(serving: Serve, fetcher: Make, encoding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with pytest.raises(FetchError, match="packed"):
        _get(serving, fetcher, _answering(head))


@pytest.mark.parametrize("framing", ["length", "chunked", "until-close"])
def test_sixty_megabytes_are_neither_read_nor_kept(serving: Serve, fetcher: Make, framing: str) -> None:
    size, block = 60 * 1024 * 1024, b"x" * 65_536
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        head = {"length": f"Content-Length: {size}\r\n", "chunked": "Transfer-Encoding: chunked\r\n", "until-close": ""}
        writer.write(f"HTTP/1.1 200 OK\r\n{head[framing]}\r\n".encode())
        while sent < size:
            writer.write(b"10000\r\n" + block + b"\r\n" if framing == "chunked" else block)
            await writer.drain()
            sent += len(block)

    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="larger"):
            _get(serving, fetcher, handle)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 1024 * 1024
    assert sent < size


def test_a_body_of_exactly_the_limit_is_read(serving: Serve, fetcher: Make) -> None:
    body = b"x" * 1000
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + b"\r\n0\r\n\r\n"
    assert _get(serving, fetcher, _answering(head), max_bytes=1000) == body
    with pytest.raises(FetchError, match="larger"):
        _get(serving, fetcher, _answering(head), max_bytes=999)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, piece: bytes) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"H"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b""),
    ],
    ids=["body", "chunks", "headers", "status-line", "continue", "silence"],
)
def test_a_server_that_drips_ends_with_the_deadline(serving: Serve, fetcher: Make, head: bytes, piece: bytes) -> None:
    with pytest.raises(FetchError):
        _get(serving, fetcher, lambda reader, writer: _drip(reader, writer, head, piece), seconds=0.5)


def test_a_server_that_never_begins_tls_ends_with_the_deadline(serving: Serve, fetcher: Make) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await asyncio.sleep(LONGEST_SECONDS)

    async def run() -> None:
        async with asyncio.timeout(LONGEST_SECONDS), serving(silent, context=None) as server:
            await fetcher(server.port, seconds=0.5).get(URL)

    with pytest.raises(FetchError, match=r"longer than 0\.5 seconds"):
        asyncio.run(run())


def test_a_name_that_nobody_resolves_ends_with_the_deadline() -> None:
    async def lookup(_: Domain) -> Sequence[str]:
        await asyncio.sleep(LONGEST_SECONDS)
        return []

    with pytest.raises(FetchError, match="longer than"):
        asyncio.run(Fetcher(lookup=lookup, limits=FetchLimits(seconds=0.2)).get(URL))


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("odd")], ids=["os", "unicode"])
def test_a_name_that_cannot_be_resolved_is_an_error_in_words(error: Exception) -> None:
    async def lookup(_: Domain) -> Sequence[str]:
        raise error

    with pytest.raises(FetchError):
        asyncio.run(Fetcher(lookup=lookup).get(URL))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"SSH-2.0-x\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    ],
    ids=["nothing", "nul", "ssh", "version", "status", "negative", "two", "short", "chunk", "long-header", "headers"],
)
def test_an_answer_that_is_no_http_is_an_error_in_words(serving: Serve, fetcher: Make, answer: bytes) -> None:
    with pytest.raises(FetchError) as raised:
        _get(serving, fetcher, _answering(answer))
    assert "\n" not in str(raised.value)


def test_a_certificate_for_another_host_is_refused(serving: Serve, fetcher: Make) -> None:
    with pytest.raises(FetchError, match="certificate"):
        _get(serving, fetcher, _answering(GOOD), "https://other.example/x")


def test_a_certificate_that_nobody_vouches_for_is_refused(serving: Serve) -> None:
    async def lookup(_: Domain) -> Sequence[str]:
        return ["127.0.0.1"]

    async def run() -> None:
        async with asyncio.timeout(LONGEST_SECONDS), serving(_answering(GOOD)) as server:
            await Fetcher(lookup=lookup, is_forbidden=lambda _: False, port=server.port).get(URL)

    with pytest.raises(FetchError, match="certificate"):
        asyncio.run(run())


def test_a_server_without_tls_is_refused(serving: Serve, fetcher: Make) -> None:
    async def run() -> None:
        async with asyncio.timeout(LONGEST_SECONDS), serving(_answering(GOOD), context=None) as server:
            await fetcher(server.port, seconds=0.5).get(URL)

    with pytest.raises(FetchError):
        asyncio.run(run())


def test_proxies_of_the_environment_are_not_used(
    serving: Serve, fetcher: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = _Counting()

    async def run() -> bytes:
        async with asyncio.timeout(LONGEST_SECONDS), serving(proxy, context=None) as middle:
            for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{middle.port}")
            async with serving(_answering(GOOD)) as server:
                return await fetcher(server.port).get(URL)

    assert asyncio.run(run()) == b"{}"
    assert proxy.count == 0


def test_a_document_is_posted(serving: Serve, fetcher: Make) -> None:
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got.append(await reader.readexactly(7))
        writer.write(GOOD)
        await writer.drain()

    async def run() -> bytes:
        async with asyncio.timeout(LONGEST_SECONDS), serving(handle) as server:
            return await fetcher(server.port).post(URL, b'{"a":1}')

    assert asyncio.run(run()) == b"{}"
    assert got == [b'{"a":1}']


def test_who_gives_up_ends_the_fetch(serving: Serve, fetcher: Make) -> None:
    async def run() -> None:
        async with serving(lambda reader, writer: _drip(reader, writer, b"", b"")) as server:
            task = asyncio.create_task(fetcher(server.port).get(URL))
            await asyncio.sleep(0.2)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()

    asyncio.run(run())


def test_this_system_knows_its_own_name() -> None:
    assert set(asyncio.run(system_lookup(Domain("localhost")))) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": -1}, {"max_bytes": 0}], ids=str)
def test_limits_are_positive(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FetchLimits(**options)
