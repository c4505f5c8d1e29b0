"""Builders of the tests of haldir-sdk: keys, documents, and servers on loopback with certificates of their own."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings

from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.keys import PrivateKey
from haldir_sdk.schemapin.fetching import Fetcher, FetchLimits
from haldir_sdk.schemapin.pinstore import PinStore

settings.register_profile("haldir-sdk", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-sdk")

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOST = "example.com"
LOOPBACK = "127.0.0.1"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@frozen
class Tls:
    """The two sides of connections to the hosts that the tests know."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@define
class Serving:
    """A server on loopback: its port, and how often somebody came."""

    port: int
    connections: int = 0


def _certificate(hosts: Sequence[str], folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "haldir tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    path = _certificate([HOST, "keys.example"], tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return Tls(server, ssl.create_default_context(cafile=str(path)))


@pytest.fixture
def serving(tls: Tls) -> Callable[..., contextlib.AbstractAsyncContextManager[Serving]]:
    """Serve with a function of two streams, over TLS unless ``plain`` is given."""

    @contextlib.asynccontextmanager
    async def serve(handler: Handler, *, context: ssl.SSLContext | None = tls.server) -> AsyncIterator[Serving]:
        state = Serving(0)

        handled: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            state.connections += 1
            task = asyncio.current_task()
            assert task is not None
            handled[task] = writer
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await handler(reader, writer)
            writer.close()

        server = await asyncio.start_server(handle, LOOPBACK, 0, ssl=context)
        state.port = server.sockets[0].getsockname()[1]
        try:
            yield state
        finally:
            server.close()
            for task, writer in handled.items():
                task.cancel()
                writer.transport.abort()
            await asyncio.wait([*handled, asyncio.create_task(asyncio.sleep(0.05))])  # for transports to end

    return serve


@pytest.fixture
def fetcher(tls: Tls) -> Callable[..., Fetcher]:
    """Make a fetcher that finds every name on loopback and takes that for public."""

    def make(port: int, *, seconds: float = 20.0, max_bytes: int = 64 * 1024) -> Fetcher:
        async def lookup(_domain: Domain) -> Sequence[str]:
            return [LOOPBACK]

        return Fetcher(
            limits=FetchLimits(seconds=seconds, max_bytes=max_bytes),
            lookup=lookup,
            is_forbidden=lambda address: address != LOOPBACK,
            tls=tls.client,
            port=port,
        )

    return make


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate(lambda count: b"k" * count)


@pytest.fixture
def other_key() -> PrivateKey:
    return PrivateKey.generate(lambda count: b"o" * count)


@pytest.fixture
def discovery(key: PrivateKey) -> Discovery:
    return Discovery(public_key_pem=key.public_key.to_pem().decode(), schema_version="1.4", developer_name="Dev Co")


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pins.db"


@pytest.fixture
def open_store(store_path: Path) -> Callable[..., PinStore]:
    def make(**options: object) -> PinStore:
        return PinStore(store_path, **options)  # type: ignore[arg-type] # the options of PinStore

    return make
