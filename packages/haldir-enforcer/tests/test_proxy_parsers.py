import random
import ssl
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_enforcer._proxy.clienthello import MAX_HELLO_BYTES, Hello, HelloReader, parse_client_hello
from haldir_enforcer._proxy.httphead import MAX_FIELDS, MAX_HEAD_BYTES, HeadReader, Request, parse_head, response
from haldir_enforcer._proxy.intent import Intent, IntentReader, TunnelReader, Way
from haldir_enforcer._proxy.names import ProxyError, is_address, parse_authority, parse_host

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")


def a_real_hello(name: str | None = "api.example.com") -> bytes:
    """Return what a client of the ssl module sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


REAL = a_real_hello()


def vector(prefix: int, data: bytes) -> bytes:
    return len(data).to_bytes(prefix, "big") + data


def an_extension(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, value)


def a_server_name(name: bytes, kind: int = 0) -> bytes:
    return an_extension(0, vector(2, bytes((kind,)) + vector(2, name)))


def a_body(*extensions: bytes, session: bytes = b"", ciphers: bytes = b"\x13\x01", compression: bytes = b"\0") -> bytes:
    head = b"\x03\x03" + bytes(32) + vector(1, session) + vector(2, ciphers) + vector(1, compression)
    return head + vector(2, b"".join(extensions))


def records(body: bytes, size: int = 2**14) -> bytes:
    handshake = b"\x01" + vector(3, body)
    return b"".join(b"\x16\x03\x01" + vector(2, handshake[at : at + size]) for at in range(0, len(handshake), size))


# names


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", "example.com"),
        ("API.Example.COM", "api.example.com"),
        ("_srv.example", "_srv.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
    ],
)
def test_a_host_has_one_form(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "example.com.",
            ".example.com",
            "a..b",
            "-a.example",
            "a-.example",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a\0b",
        ),
        *("bücher.example", "a%2eb", "*.example.com", "a" * 64 + ".example", ".".join(["a" * 60] * 5), "a\nb", "a,b"),
        *("127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.1", "256.1.1.1", "a.0x", "a.1"),
        *("[", "[]", "[::1", "::1", "[127.0.0.1]", "[fe80::1%eth0]", "[example.com]"),
    ],
)
def test_what_is_no_host_in_its_one_form_is_refused(text: str) -> None:
    with pytest.raises(ProxyError, match="a wrong"):
        parse_host(text)


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("example.com:8080", ("example.com", 8080)),
        ("example.com", ("example.com", 80)),
        ("[::1]:443", ("::1", 443)),
        ("[::1]", ("::1", 80)),
        ("192.0.2.7:1", ("192.0.2.7", 1)),
    ],
)
def test_an_authority_is_a_host_and_a_port(text: str, authority: tuple[str, int]) -> None:
    assert parse_authority(text, 80) == authority


@pytest.mark.parametrize(
    "text",
    [
        "a:",
        "a:0",
        "a:65536",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1 ",
        "a:٣",
        "a:443:443",
        ":443",
        "u:p@a:1",
        "[::1]a:1",
        "::1:1",
    ],
)
def test_a_wrong_authority_is_refused(text: str) -> None:
    with pytest.raises(ProxyError):
        parse_authority(text, 80)


def test_an_authority_without_a_default_needs_its_port() -> None:
    with pytest.raises(ProxyError, match="no port"):
        parse_authority("example.com", None)


def test_addresses_are_told_from_names() -> None:
    assert [is_address(host) for host in ("::1", "192.0.2.7", "a7.example", "example")] == [True, True, False, False]


# ClientHello


def test_the_name_of_a_real_client_is_read() -> None:
    assert HelloReader().feed(REAL) == Hello(server_name="api.example.com", encrypted=False)


def test_a_real_client_without_name_has_none() -> None:
    assert HelloReader().feed(a_real_hello(None)) == Hello(server_name=None, encrypted=False)


@given(size=st.integers(1, 600))
def test_a_hello_may_come_in_pieces(size: int) -> None:
    reader = HelloReader()
    found = [reader.feed(REAL[at : at + size]) for at in range(0, len(REAL), size)]

    assert found[-1] == Hello(server_name="api.example.com", encrypted=False)
    assert set(found[:-1]) <= {None}


@given(size=st.integers(3, 60))
def test_a_hello_may_be_spread_over_records(size: int) -> None:
    data = records(a_body(an_extension(99, b"x" * 40), a_server_name(b"a.example")), size)

    assert HelloReader().feed(data) == Hello(server_name="a.example", encrypted=False)


def test_an_old_hello_without_extensions_has_no_name() -> None:
    assert HelloReader().feed(records(a_body()[:-2])) == Hello(server_name=None, encrypted=False)


def test_an_encrypted_hello_is_told() -> None:
    data = records(a_body(a_server_name(b"front.example"), an_extension(0xFE0D, b"\0" * 30)))

    assert HelloReader().feed(data) == Hello(server_name="front.example", encrypted=True)


NAME = a_server_name(b"a.example")
WRONG_HELLOS = {
    "another record type": b"\x17" + REAL[1:],
    "SSL 2": b"\x80\x2e\x01\x03\x01",
    "another version": b"\x16\x02" + REAL[2:],
    "an empty record": b"\x16\x03\x01\0\0",
    "a huge record": b"\x16\x03\x01\x40\x01",
    "another message": records(b"")[:5] + b"\x02" + REAL[6:],
    "a huge message": b"\x16\x03\x01\0\x04\x01" + (MAX_HELLO_BYTES + 1).to_bytes(3, "big"),
    "many small records": b"".join(b"\x16\x03\x01\0\x01" + byte for byte in [b"\x01", *[b"\0"] * 100]),
    "another record inside": REAL[:5][:3] + b"\0\x02\x01\0" + b"\x15\x03\x01\0\x02\x01\0",
    "an empty body": records(b""),
    "a cut body": records(a_body(NAME)[:-3]),
    "a long session": records(a_body(NAME, session=bytes(33))),
    "odd ciphers": records(a_body(NAME, ciphers=b"\x13")),
    "no compression": records(a_body(NAME, compression=b"")),
    "bytes after the end": records(a_body(NAME) + b"x"),
    "the name twice": records(a_body(NAME, NAME)),
    "an extension twice": records(a_body(an_extension(7, b""), an_extension(7, b""))),
    "half an extension": records(a_body(b"\0\0\0")),
    "an extension over the end": records(a_body(b"\0\0\0\xff\0")),
    "two names in one": records(a_body(an_extension(0, vector(2, (b"\0" + vector(2, b"a.example")) * 2)))),
    "no name in it": records(a_body(an_extension(0, b""))),
    "an empty list": records(a_body(an_extension(0, b"\0\0"))),
    "an empty name": records(a_body(a_server_name(b""))),
    "another kind of name": records(a_body(a_server_name(b"a.example", kind=1))),
    "a list over the end": records(a_body(an_extension(0, b"\0\xff\0\0\x01a"))),
    "bytes after the list": records(a_body(an_extension(0, vector(2, b"\0" + vector(2, b"a.example")) + b"x"))),
    "an address": records(a_body(a_server_name(b"127.0.0.1"))),
    "an address in brackets": records(a_body(a_server_name(b"[::1]"))),
    "a number": records(a_body(a_server_name(b"2130706433"))),
    "no ASCII": records(a_body(a_server_name("ä.example".encode()))),
    "a final dot": records(a_body(a_server_name(b"a.example."))),
    "a zero byte": records(a_body(a_server_name(b"a.example\0.evil"))),
    "a wildcard": records(a_body(a_server_name(b"*.example"))),
}


@pytest.mark.parametrize("data", WRONG_HELLOS.values(), ids=WRONG_HELLOS.keys())
def test_a_wrong_hello_is_refused(data: bytes) -> None:
    with pytest.raises(ProxyError):
        HelloReader().feed(data)


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_no_bytes_crash_the_hello_reader(data: bytes) -> None:
    for start in (b"", b"\x16\x03\x01"):
        with suppress(ProxyError):
            HelloReader().feed(start + data)
    with suppress(ProxyError):
        parse_client_hello(b"\x03\x03" + bytes(32) + data)


def test_no_mutated_hello_crashes_the_reader() -> None:
    generator = random.Random(2)  # noqa: S311 - the same bytes each time
    for _ in range(20_000):
        data = bytearray(REAL)
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        try:
            hello = HelloReader().feed(bytes(data[: generator.randrange(len(data)) + 1]))
        except ProxyError:
            continue
        assert hello is None or hello.server_name is None or parse_host(hello.server_name) == hello.server_name


# HTTP


def head_of(text: str, port: int = 80) -> Request:
    return parse_head(text.replace("\n", "\r\n").encode("latin-1"), b"", port)


def test_connect_is_a_tunnel() -> None:
    request = head_of("CONNECT api.example.com:443 HTTP/1.1\nHost: api.example.com:443\nProxy-Authorization: x")

    assert request == Request(host="api.example.com", port=443, is_tunnel=True, head=b"", body_bytes=0, rest=b"")


@pytest.mark.parametrize("host", ["", "\nHost: api.example.com", "\nhost: API.example.com:443"])
def test_the_host_of_connect_may_be_missing_but_not_another(host: str) -> None:
    assert head_of(f"CONNECT api.example.com:443 HTTP/1.1{host}").host == "api.example.com"


def test_a_request_with_a_url_is_sent_on_as_path() -> None:
    request = head_of(
        "POST http://api.example.com:8080/a?b HTTP/1.1\nHost: api.example.com:8080\nX-A: 1 \n"
        "Connection: X-Secret, close\nX-Secret: 2\nProxy-Connection: keep-alive\n"
        "Proxy-Authorization: Basic x\nTE: trailers\nUpgrade: websocket\n"
        "Content-Length: 5"
    )

    assert (request.host, request.port, request.is_tunnel, request.body_bytes) == ("api.example.com", 8080, False, 5)
    assert request.head == (
        b"POST /a?b HTTP/1.1\r\nHost: api.example.com:8080\r\nX-A: 1\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://a.example", "/"),
        ("http://a.example?x=/y", "/?x=/y"),
        ("HTTP://A.example:80/x", "/x"),
        ("/x//y", "/x//y"),
    ],
)
def test_a_target_has_one_path(target: str, path: str) -> None:
    request = head_of(f"GET {target} HTTP/1.0\nHost: a.example")

    assert request.host == "a.example"
    assert request.head.startswith(f"GET {path} HTTP/1.1\r\n".encode())


def test_a_request_without_port_goes_to_the_port_of_the_connection() -> None:
    assert head_of("GET / HTTP/1.1\nHost: a.example", port=8080).port == 8080


def test_connection_cannot_take_away_what_frames_the_request() -> None:
    request = head_of("POST / HTTP/1.1\nHost: a.example\nContent-Length: 3\nConnection: Host, content-length")

    assert b"Host: a.example\r\nContent-Length: 3\r\n" in request.head


WRONG_HEADS = {
    "no request": "hello",
    "HTTP 2": "PRI * HTTP/2.0",
    "HTTP 0.9": "GET /",
    "two spaces": "GET  / HTTP/1.1\nHost: a.example",
    "a tab": "GET\t/ HTTP/1.1\nHost: a.example",
    "a method with a space": "GE T / HTTP/1.1\nHost: a.example",
    "CONNECT without port": "CONNECT a.example HTTP/1.1",
    "CONNECT with a path": "CONNECT /a HTTP/1.1",
    "CONNECT with a URL": "CONNECT http://a.example:443/ HTTP/1.1",
    "CONNECT to another host": "CONNECT a.example:443 HTTP/1.1\nHost: b.example",
    "CONNECT to another port": "CONNECT a.example:443 HTTP/1.1\nHost: a.example:80",
    "CONNECT with two hosts": "CONNECT a.example:443 HTTP/1.1\nHost: a.example\nHost: a.example",
    "no host": "GET http://a.example/ HTTP/1.1",
    "another host": "GET http://a.example/ HTTP/1.1\nHost: b.example",
    "another port": "GET http://a.example:81/ HTTP/1.1\nHost: a.example",
    "two hosts": "GET / HTTP/1.1\nHost: a.example\nHost: b.example",
    "two hosts in one": "GET / HTTP/1.1\nHost: a.example, b.example",
    "an empty host": "GET / HTTP/1.1\nHost:",
    "https": "GET https://a.example/ HTTP/1.1\nHost: a.example",
    "ftp": "GET ftp://a.example/ HTTP/1.1\nHost: a.example",
    "a user": "GET http://a.example@b.example/ HTTP/1.1\nHost: a.example",
    "a backslash": "GET http://a.example\\@b.example/ HTTP/1.1\nHost: a.example",
    "a fragment": "GET http://a.example#b.example/ HTTP/1.1\nHost: a.example",
    "an asterisk": "OPTIONS * HTTP/1.1\nHost: a.example",
    "a folded line": "GET / HTTP/1.1\nHost: a.example\n b.example",
    "a space before the colon": "GET / HTTP/1.1\nHost : a.example",
    "no colon": "GET / HTTP/1.1\nHost: a.example\nx",
    "a bare line feed": "GET / HTTP/1.1\r\nHost: a.example\nX: 1",
    "a zero byte": "GET / HTTP/1.1\nHost: a.example\nX: \0",
    "a carriage return": "GET / HTTP/1.1\nHost: a.example\nX: 1\rHost: b.example",
    "chunked": "POST / HTTP/1.1\nHost: a.example\nTransfer-Encoding: chunked",
    "both lengths": "POST / HTTP/1.1\nHost: a.example\nTransfer-Encoding: chunked\nContent-Length: 5",
    "two lengths": "POST / HTTP/1.1\nHost: a.example\nContent-Length: 5\nContent-Length: 6",
    "a list of lengths": "POST / HTTP/1.1\nHost: a.example\nContent-Length: 5, 5",
    "a signed length": "POST / HTTP/1.1\nHost: a.example\nContent-Length: +5",
    "a huge length": "POST / HTTP/1.1\nHost: a.example\nContent-Length: " + "9" * 19,
    "many fields": "GET / HTTP/1.1\nHost: a.example" + "\nX: 1" * MAX_FIELDS,
}


@pytest.mark.parametrize("text", WRONG_HEADS.values(), ids=WRONG_HEADS.keys())
def test_a_wrong_head_is_refused(text: str) -> None:
    raw = text if "\r" in text else text.replace("\n", "\r\n")
    with pytest.raises(ProxyError):
        parse_head(raw.encode("latin-1"), b"", 80)


def test_a_head_is_limited() -> None:
    for data in (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES, b"\r\n" * MAX_HEAD_BYTES):
        with pytest.raises(ProxyError, match=r"too large|no HTTP"):
            HeadReader(80).feed(data)


def test_many_spaces_take_no_time() -> None:
    with pytest.raises(ProxyError, match="a wrong header field"):
        parse_head(b"GET / HTTP/1.1\r\nX:" + b" " * 30_000 + b"\0", b"", 80)


@given(size=st.integers(1, 40))
def test_a_head_may_come_in_pieces(size: int) -> None:
    data = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody"
    reader = HeadReader(80)
    found = None
    at = 0
    while found is None:
        found = reader.feed(data[at : at + size])
        at += size

    assert found.host == "a.example"
    assert found.rest + data[at:] == b"body"


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_no_bytes_crash_the_head_reader(data: bytes) -> None:
    with suppress(ProxyError):
        HeadReader(80).feed(data + b"\r\n\r\n")
    with suppress(ProxyError):
        parse_head(data, b"", 80)


def test_no_mutated_head_names_two_hosts() -> None:
    generator = random.Random(3)  # noqa: S311 - the same bytes each time
    good = b"POST http://a.example:80/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nX: y"
    accepted = 0
    for _ in range(20_000):
        data = bytearray(good)
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        try:
            request = parse_head(bytes(data), b"", 80)
        except ProxyError:
            continue
        accepted += 1
        lines = request.head.split(b"\r\n")
        hosts = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"host:")]
        assert [parse_authority(host.decode(), 80) for host in hosts] == [(request.host, request.port)]
        assert request.head.count(b"\r\n\r\n") == 1
        assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert accepted


def test_an_answer_shows_nothing_that_it_should_not() -> None:
    assert response("403 Forbidden", "é\x1b").endswith(b"\\xe9\x1b\n")


# intents


def test_a_first_byte_tells_tls_from_http() -> None:
    tls = IntentReader(443)
    assert tls.feed(REAL) == Intent(way=Way.TLS, host="api.example.com", port=443, first=REAL, more_bytes=None)
    assert tls.is_tls

    tunnel = IntentReader(443).feed(b"CONNECT a.example:8443 HTTP/1.1\r\n\r\nrest")
    assert tunnel == Intent(way=Way.TUNNEL, host="a.example", port=8443, first=b"rest", more_bytes=None)


def test_a_request_is_carried_with_its_body_and_nothing_after_it() -> None:
    reader = IntentReader(80)
    data = (
        b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbodyGET / HTTP/1.1\r\nHost: b.example\r\n\r\n"
    )
    intent = reader.feed(data)

    assert intent is not None
    assert intent.first.endswith(b"\r\n\r\nbody")
    assert intent.more_bytes == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (a_real_hello(None), "without server name"),
        (records(a_body(a_server_name(b"front.example"), an_extension(0xFE0D, b"x"))), "encrypted ClientHello"),
    ],
    ids=["no name", "encrypted"],
)
def test_a_client_that_does_not_say_where_it_goes_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ProxyError, match=message):
        IntentReader(443).feed(data)


def test_a_tunnel_lets_its_own_host_pass() -> None:
    reader = TunnelReader("api.example.com", 443)

    assert reader.feed(b"") == b""
    assert reader.feed(REAL[:100]) == b""
    assert reader.feed(REAL[100:]) == REAL
    assert reader.feed(b"anything") == b"anything"


TUNNELS: list[tuple[str, int, bytes, str]] = [
    ("b.example", 443, REAL, "a server name of another host than CONNECT"),
    ("api.example.com", 443, a_real_hello(None), "without server name"),
    ("192.0.2.7", 443, REAL, "a server name of another host"),
    ("api.example.com", 443, b"GET / HTTP/1.1\r\n", "no TLS in a tunnel"),
    ("a.example", 80, b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "a request for another host"),
    ("a.example", 80, b"CONNECT a.example:80 HTTP/1.1\r\n\r\n", "a request for another host"),
    ("a.example", 80, b"SSH-2.0-x" * 10_000, "too large"),
    ("a.example", 22, REAL, "another host"),
]


@pytest.mark.parametrize(("host", "port", "data", "message"), TUNNELS)
def test_a_tunnel_to_one_host_is_not_used_for_another(host: str, port: int, data: bytes, message: str) -> None:
    with pytest.raises(ProxyError, match=message):
        TunnelReader(host, port).feed(data)


@pytest.mark.parametrize(
    ("host", "port", "data"),
    [
        ("192.0.2.7", 443, a_real_hello(None)),
        ("a.example", 80, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        ("a.example", 22, b"SSH-2.0-x\r\n"),
    ],
    ids=["an address", "HTTP", "another protocol"],
)
def test_a_tunnel_carries_what_is_for_its_host(host: str, port: int, data: bytes) -> None:
    assert TunnelReader(host, port).feed(data) == data


@given(data=st.data())
@settings(max_examples=300)
def test_no_bytes_crash_the_readers_of_intents(data: st.DataObject) -> None:
    chunks = data.draw(
        st.lists(st.binary(max_size=60) | st.just(REAL[:300]) | st.just(b"GET / HTTP/1.1\r\n"), max_size=5)
    )
    for reader in (IntentReader(443), TunnelReader("a.example", 80), TunnelReader("a.example", 443)):
        try:
            for chunk in chunks:
                reader.feed(chunk)
        except ProxyError:
            continue
