import asyncio
import http.client
import random
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from haldir_core.permissions import AgentCapabilities
from haldir_enforcer._proxy import Proxy, ProxyLimits, ProxyRules, rules_for
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import Action, Class, Decision, Event
from haldir_enforcer.policy import HostRule, Policy

HOST = "api.example.com"
ALERT = bytes.fromhex("15030300020270")


class Origin(socketserver.ThreadingTCPServer):
    """A server on loopback, with TLS if it has a context, that answers with the head and the size of the body."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.context = context
        self.accepted = 0
        super().__init__(("127.0.0.1", 0), OriginHandler)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients of these tests break off."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class OriginHandler(socketserver.StreamRequestHandler):
    """One request; a head that begins with ECHO gets everything back that follows."""

    server: Origin

    def setup(self) -> None:
        """Speak TLS if the server does."""
        self.server.accepted += 1
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        """Close what was made of the connection."""
        try:
            super().finish()
        finally:
            self.request.close()

    def handle(self) -> None:
        """Answer."""
        head = b""
        while not head.endswith(b"\r\n\r\n") and (line := self.rfile.readline(65536)):
            head += line
        if head.startswith(b"ECHO"):
            while data := self.rfile.read1(65536):
                self.request.sendall(data)
            return
        lengths = [
            line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        body = self.rfile.read(int(lengths[0])) if lengths else b""
        answer = head + b"body %d" % len(body)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName("b.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def serving(origin: Origin) -> Iterator[Origin]:
    with origin:
        threading.Thread(target=origin.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield origin
        origin.shutdown()


@pytest.fixture
def secure(certificate: Path) -> Iterator[Origin]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from serving(Origin(context))


@pytest.fixture
def plain() -> Iterator[Origin]:
    yield from serving(Origin(None))


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


class Rules:
    """The rules of a test, and what was recorded."""

    def __init__(self) -> None:
        self.hosts = {HOST}
        self.addresses: dict[str, Sequence[str]] = {HOST: ["127.0.0.1"]}
        self.private: set[str] = set()
        self.asked: list[tuple[str, int]] = []
        self.events: list[Event] = []

    def matches(self, host: str, port: int) -> bool:
        """Whether it is one of the hosts."""
        self.asked.append((host, port))
        return host in self.hosts

    def resolve(self, host: str) -> Sequence[str]:
        """Return what the test pinned."""
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return self.addresses[host]

    def refuses(self, _: str, address: str, __: int) -> bool:
        """Whether the test calls it private."""
        return address in self.private

    def proxy(self, **limits: float) -> Proxy:
        """Return a proxy with these rules."""
        rules = ProxyRules(matches=self.matches, resolve=self.resolve, refuses=self.refuses)
        return Proxy(rules, record=self.events.append, limits=ProxyLimits(**limits))  # type: ignore[arg-type] # numbers

    def seen(self) -> list[tuple[Decision, Class, str | None, str | None, str | None]]:
        """Return what was recorded."""
        assert {event.action for event in self.events} <= {Action.NET_CONNECT}
        return [
            (
                event.decision,
                event.kind,
                event.endpoint.host if event.endpoint else None,
                event.endpoint.ip if event.endpoint else None,
                event.detail,
            )
            for event in self.events
        ]


@pytest.fixture
def rules() -> Rules:
    return Rules()


def connect(proxy: Proxy, port: int) -> socket.socket:
    return socket.create_connection(proxy.listen(port), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        return data
    return data


def a_get(host: str = HOST) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


# what works


def test_a_tls_client_reaches_the_host_that_it_names(rules: Rules, secure: Origin, trusting: ssl.SSLContext) -> None:
    with (
        rules.proxy() as proxy,
        connect(proxy, secure.port) as raw,
        trusting.wrap_socket(raw, server_hostname=HOST) as client,
    ):
        client.sendall(a_get())
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert rules.asked == [(HOST, secure.port)]
    assert rules.seen() == [(Decision.ALLOW, Class.DECLARED, HOST, "127.0.0.1", "proxy: tls")]


def test_a_tls_client_reaches_its_host_through_connect(rules: Rules, secure: Origin, trusting: ssl.SSLContext) -> None:
    with rules.proxy() as proxy:
        address = proxy.listen(80)
        client = http.client.HTTPSConnection(*address, context=trusting, timeout=20)
        client.set_tunnel(HOST, secure.port)
        client.request("POST", "/x", body=b"y" * 100_000)
        answer = client.getresponse().read()
        client.close()

    assert answer.endswith(b"body 100000")
    assert rules.seen() == [(Decision.ALLOW, Class.DECLARED, HOST, "127.0.0.1", "proxy: connect")]


def test_a_plain_request_is_sent_on_to_its_host(rules: Rules, plain: Origin) -> None:
    with rules.proxy() as proxy:
        client = http.client.HTTPConnection(*proxy.listen(80), timeout=20)
        client.request("POST", f"http://{HOST}:{plain.port}/x?y", body=b"z" * 200_000, headers={"X-A": "b"})
        answer = client.getresponse().read()
        client.close()

    assert answer.startswith(b"POST /x?y HTTP/1.1\r\n")
    assert answer.endswith(b"body 200000")
    assert rules.seen() == [(Decision.ALLOW, Class.DECLARED, HOST, "127.0.0.1", "proxy: http")]


def test_an_adopted_socket_is_served(rules: Rules, plain: Origin) -> None:
    ours, theirs = socket.socketpair()
    with rules.proxy() as proxy, theirs:
        proxy.adopt(ours, plain.port, pid=7)
        theirs.sendall(a_get())

        assert read_all(theirs).startswith(b"HTTP/1.1 200 OK")
    assert [event.pid for event in rules.events] == [7]


def test_much_data_goes_both_ways_whole(rules: Rules, secure: Origin, trusting: ssl.SSLContext) -> None:
    sent = random.Random(5).randbytes(5_000_000)  # noqa: S311 - any bytes

    async def echoed(raw: socket.socket) -> bytes:  # not in two threads: an SSLSocket is not for two at a time
        reader, writer = await asyncio.open_connection(sock=raw, ssl=trusting, server_hostname=HOST)
        writer.write(b"ECHO\r\n\r\n" + sent)
        _, received = await asyncio.gather(writer.drain(), reader.readexactly(len(sent)))
        writer.close()
        await writer.wait_closed()
        return received

    with rules.proxy() as proxy, connect(proxy, secure.port) as raw:
        received = asyncio.run(asyncio.wait_for(echoed(raw), 60))

    assert received == sent


def test_half_a_connection_may_end_first(rules: Rules, plain: Origin) -> None:
    with rules.proxy() as proxy, connect(proxy, 80) as client:
        client.sendall(f"CONNECT {HOST}:{plain.port} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.sendall(b"ECHO\r\n\r\n" + b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)

        assert read_all(client) == b"x" * 100_000


def test_the_next_address_is_tried(rules: Rules, plain: Origin) -> None:
    rules.addresses[HOST] = ["127.0.0.77", "127.0.0.1"]  # nobody listens at the first
    with rules.proxy() as proxy, connect(proxy, plain.port) as client:
        client.sendall(a_get())
        assert read_all(client).startswith(b"HTTP/1.1 200 OK")

    assert [ip for *_, ip, _ in rules.seen()] == ["127.0.0.77", "127.0.0.1"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is a client of another hand")
def test_curl_works_through_the_proxy(rules: Rules, secure: Origin, certificate: Path) -> None:
    with rules.proxy() as proxy:
        host, port = proxy.listen(80)
        done = subprocess.run(
            ["curl", "-sS", "--cacert", certificate, "-x", f"http://{host}:{port}", f"https://{HOST}:{secure.port}/"],
            capture_output=True,
            check=True,
        )

    assert done.stdout.startswith(b"GET / HTTP/1.1")


# what is refused


def test_a_tls_client_that_names_another_host_gets_an_alert(
    rules: Rules, secure: Origin, trusting: ssl.SSLContext
) -> None:
    with (
        rules.proxy() as proxy,
        connect(proxy, secure.port) as raw,
        pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"),
    ):
        trusting.wrap_socket(raw, server_hostname="b.example")

    assert secure.accepted == 0
    assert rules.seen() == [(Decision.DENY, Class.VIOLATION, "b.example", None, "proxy: tls")]


def test_a_tls_client_without_name_gets_an_alert(rules: Rules, secure: Origin) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    with (
        rules.proxy() as proxy,
        connect(proxy, secure.port) as raw,
        pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"),
    ):
        context.wrap_socket(raw)

    assert secure.accepted == 0
    assert [(decision, detail) for decision, *_, detail in rules.seen()] == [
        (Decision.DENY, "proxy: a ClientHello without server name")
    ]


REFUSED = {
    "another host": (a_get("b.example"), b"403 Forbidden", "proxy: http"),
    "another host by CONNECT": (b"CONNECT b.example:443 HTTP/1.1\r\n\r\n", b"403 Forbidden", "proxy: connect"),
    "an address": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n", b"403 Forbidden", "proxy: connect"),
    "a Host of another": (
        b"GET http://api.example.com/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        b"400 Bad Request",
        "proxy: a Host header of another host than the target",
    ),
    "a Host of another in CONNECT": (
        b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: b.example\r\n\r\n",
        b"400 Bad Request",
        "proxy: a Host header of another host than CONNECT",
    ),
    "nonsense": (b"hello\r\n\r\n", b"400 Bad Request", "proxy: no HTTP/1 request"),
}


@pytest.mark.parametrize(("sent", "status", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_what_was_not_declared_is_refused_and_recorded(
    sent: bytes, status: bytes, detail: str, rules: Rules, plain: Origin
) -> None:
    with rules.proxy() as proxy, connect(proxy, plain.port) as client:
        client.sendall(sent)
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert plain.accepted == 0
    assert [(event.decision, event.kind, event.detail) for event in rules.events] == [
        (Decision.DENY, Class.VIOLATION, detail)
    ]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["::ffff:127.0.0.1"]],
    ids=["private", "one private", "private in disguise"],
)
def test_a_host_that_leads_to_a_private_address_is_refused(addresses: list[str], rules: Rules, plain: Origin) -> None:
    rules.addresses[HOST] = addresses
    rules.private = {"127.0.0.1"}
    with rules.proxy() as proxy, connect(proxy, plain.port) as client:
        client.sendall(a_get())
        assert read_all(client).startswith(b"HTTP/1.1 403 Forbidden")

    assert plain.accepted == 0
    assert rules.seen() == [(Decision.DENY, Class.VIOLATION, HOST, "127.0.0.1", "proxy: address is private")]


def test_a_declared_address_is_held_against_the_private_ones_too(rules: Rules, plain: Origin) -> None:
    rules.hosts = {"127.0.0.1"}
    rules.private = {"127.0.0.1"}
    with rules.proxy() as proxy, connect(proxy, 80) as client:
        client.sendall(f"CONNECT 127.0.0.1:{plain.port} HTTP/1.1\r\n\r\n".encode())
        assert read_all(client).startswith(b"HTTP/1.1 403 Forbidden")

    assert plain.accepted == 0


@pytest.mark.parametrize("addresses", [None, [], ["nonsense"]], ids=["no such host", "no addresses", "no address"])
def test_a_host_without_address_is_no_violation(addresses: list[str] | None, rules: Rules, plain: Origin) -> None:
    if addresses is None:
        del rules.addresses[HOST]
    else:
        rules.addresses[HOST] = addresses
    with rules.proxy() as proxy, connect(proxy, plain.port) as client:
        client.sendall(a_get())
        assert read_all(client).startswith(b"HTTP/1.1 502 Bad Gateway")

    assert rules.seen() == [(Decision.DENY, Class.DECLARED, HOST, None, "proxy: host has no address")]


def test_a_host_that_cannot_be_reached_is_told(rules: Rules) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with rules.proxy() as proxy, connect(proxy, port) as client:
        client.sendall(a_get())
        assert read_all(client).startswith(b"HTTP/1.1 502 Bad Gateway")


def test_a_tunnel_is_not_used_for_another_host(rules: Rules, secure: Origin, trusting: ssl.SSLContext) -> None:
    with rules.proxy() as proxy, connect(proxy, 80) as raw:
        raw.sendall(f"CONNECT {HOST}:{secure.port} HTTP/1.1\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        with pytest.raises(OSError):  # noqa: PT011 - the connection just ends
            trusting.wrap_socket(raw, server_hostname="b.example")

    assert rules.seen()[-1] == (
        Decision.DENY,
        Class.VIOLATION,
        HOST,
        None,
        "proxy: a server name of another host than CONNECT",
    )


def test_a_second_request_on_a_connection_is_not_carried(rules: Rules, plain: Origin) -> None:
    with rules.proxy() as proxy, connect(proxy, plain.port) as client:
        client.sendall(a_get() + a_get("b.example"))
        answer = read_all(client)

    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"b.example" not in answer


POLICY = Policy(
    root=Path("/skill"),
    read=(),
    write=(),
    hosts=(
        HostRule(host="*.example.com", ports=(443, 80), literal=False, declared="*.example.com"),
        HostRule(host="127.0.0.1", ports=(8080,), literal=True, declared="127.0.0.1:8080"),
    ),
    programs=(),
    capabilities=AgentCapabilities(),
    never_write=(),
    never_read=(),
    profiles=(),
    notes=(),
)


def test_the_rules_of_a_policy_are_its_hosts_at_public_addresses() -> None:
    rules = rules_for(POLICY)

    asked = [("api.example.com", 443), ("a.b.example.com", 80), ("api.example.com", 22), ("example.com", 443)]
    assert [rules.matches(host, port) for host, port in asked] == [True, True, False, False]
    assert [rules.matches("127.0.0.1", port) for port in (8080, 80)] == [True, False]
    assert not rules.refuses("api.example.com", "8.8.8.8", 443)
    for private in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"):
        assert rules.refuses("api.example.com", private, 443)
    assert not rules.refuses("127.0.0.1", "127.0.0.1", 8080)
    assert "127.0.0.1" in rules.resolve("localhost")


def test_a_proxy_of_a_policy_does_not_reach_loopback_under_a_declared_name() -> None:
    events: list[Event] = []
    rules = rules_for(POLICY, resolve=lambda _: ["127.0.0.1"])
    with Proxy(rules, record=events.append) as proxy, connect(proxy, 80) as client:
        client.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
        assert read_all(client).startswith(b"HTTP/1.1 403 Forbidden")

    assert [event.detail for event in events] == ["proxy: address is private"]


# limits


def test_a_client_that_says_nothing_is_given_up(rules: Rules) -> None:
    with rules.proxy(head_seconds=0.1) as proxy, connect(proxy, 443) as client:
        assert read_all(client) == b""


def test_a_client_that_drips_is_given_up(rules: Rules) -> None:
    with rules.proxy(head_seconds=0.3) as proxy, connect(proxy, 443) as client:
        client.settimeout(0.02)
        assert _drip(client) == b""


def _drip(client: socket.socket) -> bytes:
    """Send a byte now and then until there is an answer, or the end."""
    while True:
        try:
            client.sendall(b"G")
            return client.recv(1)
        except TimeoutError:
            continue
        except OSError:
            return b""


def test_a_connection_that_carries_nothing_is_ended(rules: Rules, plain: Origin) -> None:
    with rules.proxy(idle_seconds=0.2) as proxy, connect(proxy, 80) as client:
        client.sendall(f"CONNECT {HOST}:{plain.port} HTTP/1.1\r\n\r\n".encode())

        assert read_all(client).startswith(b"HTTP/1.1 200")


def test_connections_above_the_limit_wait(rules: Rules, plain: Origin) -> None:
    with rules.proxy(connections=2) as proxy:
        address = proxy.listen(plain.port)
        clients = [socket.create_connection(address, timeout=20) for _ in range(20)]
        for client in clients:
            client.sendall(a_get())
        answers = [read_all(client) for client in clients]
        for client in clients:
            client.close()

    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


def test_an_adopted_socket_above_the_limit_is_closed_and_recorded(rules: Rules) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    with rules.proxy(connections=1) as proxy:
        for ours, _ in pairs:
            proxy.adopt(ours, 443)
        assert read_all(pairs[1][1]) == b""
    for _, theirs in pairs:
        theirs.close()

    assert rules.seen() == [(Decision.DENY, Class.DECLARED, None, None, "proxy: more than 1 connections")]


@pytest.mark.parametrize("error", [AuditLogError("the disk is full"), OSError("the disk is full")])
def test_a_decision_that_cannot_be_recorded_stops_the_proxy(error: Exception, rules: Rules, plain: Origin) -> None:
    def full(_: Event) -> None:
        raise error

    proxy = Proxy(ProxyRules(matches=rules.matches, resolve=rules.resolve, refuses=rules.refuses), record=full)
    address = proxy.listen(plain.port)
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(a_get())
        assert read_all(client) == b""

    assert str(proxy.failure).endswith("the disk is full")
    assert plain.accepted == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=20)


def test_a_closed_proxy_ends_its_connections(rules: Rules, plain: Origin) -> None:
    proxy = rules.proxy()
    with connect(proxy, 80) as client:
        client.sendall(f"CONNECT {HOST}:{plain.port} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        proxy.close()

        assert read_all(client) == b""
    ours, theirs = socket.socketpair()
    proxy.adopt(ours, 80)
    assert read_all(theirs) == b""
    theirs.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda generator: generator.randbytes(generator.randrange(1, 300)),
        lambda generator: b"\x16\x03\x01" + generator.randbytes(generator.randrange(1, 300)),
        lambda generator: b"GET http://" + generator.randbytes(generator.randrange(1, 30)) + b"/ HTTP/1.1\r\n\r\n",
    ],
    ids=["bytes", "TLS", "HTTP"],
)
def test_no_bytes_stop_the_proxy_or_lead_somewhere(
    make: Callable[[random.Random], bytes], rules: Rules, plain: Origin
) -> None:
    generator = random.Random(6)  # noqa: S311 - the same bytes each time
    with rules.proxy() as proxy:
        address = proxy.listen(plain.port)
        for _ in range(150):
            with socket.create_connection(address, timeout=20) as client:
                client.sendall(make(generator))
                client.shutdown(socket.SHUT_WR)
                answer = read_all(client)
                assert answer in {b"", ALERT} or answer.startswith(b"HTTP/1.1 40")
        with socket.create_connection(address, timeout=20) as client:
            client.sendall(a_get())
            assert read_all(client).startswith(b"HTTP/1.1 200 OK")

    assert plain.accepted == 1
    assert proxy.failure is None
