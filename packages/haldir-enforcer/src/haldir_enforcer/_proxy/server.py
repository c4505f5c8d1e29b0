"""The proxy for wildcard hosts: it reads where a client wants to go, asks whether it may, and connects itself."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

from attrs import frozen

from haldir_enforcer._proxy.clienthello import UNRECOGNIZED_NAME
from haldir_enforcer._proxy.httphead import response
from haldir_enforcer._proxy.intent import Intent, IntentReader, TunnelReader, Way
from haldir_enforcer._proxy.names import ProxyError, is_address, plain_address
from haldir_enforcer._proxy.relay import Inspect, relay
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event, Recorder

_READ_BYTES = 16 * 1024
_DRAINED_READS = 64
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@frozen(kw_only=True)
class ProxyRules:
    """Who decides.  Host names are in lower case without final dot; ports are those of the destination."""

    matches: Callable[[str, int], bool]
    """Whether this host and port were declared."""
    resolve: Callable[[str], Sequence[str]]
    """The IP addresses of a host; OSError if there are none."""
    refuses: Callable[[str, str, int], bool]
    """Whether a host may not lead to an address and port: to private ones, unless they were declared as such."""


@frozen(kw_only=True)
class ProxyLimits:
    """What the clients of one proxy may use in all (``connections``), and each one."""

    connections: int = 64
    head_seconds: float = 10.0
    connect_seconds: float = 10.0
    idle_seconds: float = 300.0


@frozen(eq=False)
class _Client:
    """A connection from the inside; ``port`` is the one that it wanted to reach."""

    connection: socket.socket
    port: int
    pid: int = 0


class Proxy:
    """Listens on loopback, or takes over sockets; one thread for each connection.

    Whatever a client does ends at most its own connection.  When a decision cannot be recorded, the proxy stops.
    """

    def __init__(self, rules: ProxyRules, *, record: Recorder, limits: ProxyLimits | None = None) -> None:
        """Record each decision before it takes effect."""
        self._rules = rules
        self._record = record
        self._limits = limits or ProxyLimits()
        self._slots = threading.BoundedSemaphore(self._limits.connections)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}  # in the order in which they were opened
        self._is_closed = False
        self.failure: EnforcerError | None = None
        """Why the proxy stopped, when that was no doing of a client."""

    def listen(self, port: int, address: str = "127.0.0.1") -> tuple[str, int]:
        """Return where clients reach ``port`` of every host that may be reached; connections above the limit wait."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 0), family=family)
        listener.settimeout(1)  # where a shutdown does not wake it (macOS), it looks for the end itself
        self._keep(listener)
        threading.Thread(target=self._accept, args=(listener, port), name="haldir-proxy", daemon=True).start()
        name = listener.getsockname()
        return name[0], name[1]

    def adopt(self, connection: socket.socket, port: int, *, pid: int = 0) -> None:
        """Serve ``connection``, on which process ``pid`` wanted to reach ``port``, and close it.

        It is closed at once above the limit.
        """
        client = _Client(connection, port, pid)
        if not self._slots.acquire(blocking=False):
            connection.close()
            detail = f"proxy: more than {self._limits.connections} connections"
            self._note(client, Decision.DENY, Class.DECLARED, Endpoint(None, None, port, "tcp"), detail)
            return
        self._start(client)

    def close(self) -> None:
        """Nothing is listened to or carried any more."""
        with self._lock:
            self._is_closed = True
            for each in self._open:  # listeners come first; the thread of each closes it, so that numbers stay true
                _end(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self, listener: socket.socket, port: int) -> None:
        while not self._is_closed:
            self._slots.acquire()
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                self._slots.release()
                continue
            except OSError:
                self._slots.release()
                time.sleep(0.05)  # out of descriptors, or a client that has gone already, or the end
                continue
            self._start(_Client(connection, port))
        self._forget(listener)

    def _start(self, client: _Client) -> None:
        try:
            threading.Thread(target=self._serve, args=(client,), name="haldir-proxy", daemon=True).start()
        except RuntimeError:  # no more threads
            client.connection.close()
            self._slots.release()

    def _serve(self, client: _Client) -> None:
        try:
            self._keep(client.connection)
            self._carry(client)
        except EnforcerError as error:
            self.failure = error
            self.close()
        except OSError:
            return  # a side is gone, or too slow
        finally:
            self._forget(client.connection)
            self._slots.release()

    def _carry(self, client: _Client) -> None:
        reader = IntentReader(client.port)
        try:
            intent = self._intent(client.connection, reader)
        except ProxyError as error:
            endpoint = Endpoint(None, None, client.port, "tcp")
            self._note(client, Decision.DENY, Class.VIOLATION, endpoint, f"proxy: {error}")
            _refuse(
                client.connection,
                UNRECOGNIZED_NAME if reader.is_tls else response("400 Bad Request", f"haldir: {error}"),
            )
            return
        try:
            server = self._connect(client, intent)
        except _RefusedError as error:
            tls = intent.way is Way.TLS
            _refuse(client.connection, UNRECOGNIZED_NAME if tls else response(error.status, f"haldir: {error}"))
            return
        try:
            self._keep(server)
            self._relay(client, server, intent)
        finally:
            self._forget(server)

    def _intent(self, connection: socket.socket, reader: IntentReader) -> Intent:
        end = time.monotonic() + self._limits.head_seconds
        while True:
            connection.settimeout(max(end - time.monotonic(), 0.001))
            data = connection.recv(_READ_BYTES)
            if not data:
                raise ConnectionResetError
            intent = reader.feed(data)
            if intent is not None:
                return intent

    def _connect(self, client: _Client, intent: Intent) -> socket.socket:
        """Return a socket that is connected to an address of the intent's host, if it may go there."""
        host, port = intent.host, intent.port
        if not self._rules.matches(host, port):
            self._note(
                client, Decision.DENY, Class.VIOLATION, Endpoint(host, None, port, "tcp"), f"proxy: {intent.way}"
            )
            raise _RefusedError("403 Forbidden", f"{host}:{port} is not declared")
        addresses = self._addresses(client, host, port)
        for address in addresses:
            if self._rules.refuses(host, address, port):
                self._note(
                    client,
                    Decision.DENY,
                    Class.VIOLATION,
                    Endpoint(host, address, port, "tcp"),
                    "proxy: address is private",
                )
                raise _RefusedError("403 Forbidden", f"{host} leads to a private address")
        for address in addresses:
            self._note(
                client, Decision.ALLOW, Class.DECLARED, Endpoint(host, address, port, "tcp"), f"proxy: {intent.way}"
            )
            with suppress(OSError):  # the next address may answer
                return socket.create_connection((address, port), timeout=self._limits.connect_seconds)
        raise _RefusedError("502 Bad Gateway", f"{host}:{port} cannot be reached")

    def _addresses(self, client: _Client, host: str, port: int) -> Sequence[str]:
        if is_address(host):
            return (host,)
        try:
            addresses = tuple(map(plain_address, self._rules.resolve(host)))
        except (OSError, ProxyError):
            addresses = ()
        if not addresses:
            self._note(
                client, Decision.DENY, Class.DECLARED, Endpoint(host, None, port, "tcp"), "proxy: host has no address"
            )
            raise _RefusedError("502 Bad Gateway", f"{host} has no address")
        return addresses

    def _relay(self, client: _Client, server: socket.socket, intent: Intent) -> None:
        server.settimeout(self._limits.idle_seconds)
        client.connection.settimeout(self._limits.idle_seconds)
        first = intent.first
        inspect: Inspect = bytes
        try:
            if intent.way is Way.TUNNEL:
                inspect = TunnelReader(intent.host, intent.port).feed
                client.connection.sendall(_ESTABLISHED)
                first = inspect(first)
            server.sendall(first)
            relay(
                client.connection,
                server,
                inspect=inspect,
                more_bytes=intent.more_bytes,
                idle_seconds=self._limits.idle_seconds,
            )
        except ProxyError as error:
            endpoint = Endpoint(intent.host, None, intent.port, "tcp")
            self._note(client, Decision.DENY, Class.VIOLATION, endpoint, f"proxy: {error}")

    def _note(self, client: _Client, decision: Decision, kind: Class, endpoint: Endpoint, detail: str) -> None:
        event = Event(
            action=Action.NET_CONNECT,
            decision=decision,
            by=By.SUPERVISOR,
            kind=kind,
            pid=client.pid,
            endpoint=endpoint,
            detail=detail,
        )
        try:
            self._record(event)
        except OSError as error:  # other ones are those of connections
            raise EnforcerError(f"proxy: a decision cannot be recorded: {error}") from error

    def _keep(self, each: socket.socket) -> None:
        """``each`` ends with the proxy."""
        with self._lock:
            if not self._is_closed:
                self._open[each] = None
                return
        each.close()
        raise ConnectionAbortedError

    def _forget(self, each: socket.socket) -> None:
        with self._lock:
            self._open.pop(each, None)
        each.close()


class _RefusedError(Exception):
    """The client does not get what it asked for."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def _refuse(client: socket.socket, answer: bytes) -> None:
    client.settimeout(1)
    client.sendall(answer)
    with suppress(OSError):  # read what it had sent, or its kernel drops our answer with the connection
        client.shutdown(socket.SHUT_WR)
        for _ in range(_DRAINED_READS):
            if not client.recv(_READ_BYTES):
                break


def _end(each: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        each.shutdown(socket.SHUT_RDWR)
