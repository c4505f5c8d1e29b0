"""A loopback listener that answers every request and keeps what it said."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self
from urllib.parse import urlsplit

from attrs import define, field, frozen

from haldir_sandbox._certificates import Authority

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
MAX_CAPTURES = 200
MAX_OPEN = 64
IDLE_SECONDS = 2.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"PATCH ", b"OPTIONS ", b"CONNECT ", b"TRACE ")


def _listen_on_loopback() -> socket.socket:
    """Return a listener on an address of its own, so that a connection to it was meant for a name that led to it."""
    try:
        return socket.create_server(("127." + ".".join(str(64 + byte % 128) for byte in os.urandom(3)), 0), backlog=64)
    except OSError:  # not every system has all of 127.0.0.0/8
        return socket.create_server(("127.0.0.1", 0), backlog=64)


@frozen(kw_only=True)
class Request:
    """One request that arrived: ``body`` is its beginning, ``head`` its first line and headers as they were sent.

    ``host`` is what the client said: the name in TLS, in CONNECT, in the address, or the Host header.
    ``method`` is empty for what is no HTTP.
    """

    method: str
    host: str | None
    port: int | None
    path: str
    head: bytes
    body: bytes
    tls: bool
    proxied: bool
    """The client asked for a proxy's service, so that no other record says whom it meant."""
    peer_port: int
    """The port from which the connection came, by which it can be told from others."""


@define
class Sinkhole:
    """A listener on loopback; a context manager that takes connections while it is open.

    What it keeps is limited to ``MAX_CAPTURES`` requests; the others are answered and counted.
    """

    authority: Authority
    requests: list[Request] = field(init=False, factory=list)
    refused: int = field(init=False, default=0)
    _listener: socket.socket = field(init=False, factory=_listen_on_loopback)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _open: set[socket.socket] = field(init=False, factory=set)
    _threads: list[threading.Thread] = field(init=False, factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """The address and port of the listener."""
        ip, port = self._listener.getsockname()
        return str(ip), int(port)

    def taken(self) -> tuple[Request, ...]:
        """Return the requests since the last call."""
        with self._lock:
            found = tuple(self.requests)
            self.requests.clear()
        return found

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, name="sinkhole", daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + IDLE_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            with self._lock:
                crowded = len(self._open) >= MAX_OPEN
                if crowded:
                    self.refused += 1
                else:
                    self._open.add(connection)
            if crowded:
                connection.close()
                continue
            thread = threading.Thread(target=self._serve, args=(connection, peer[1]), daemon=True)
            thread.start()
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]

    def _serve(self, connection: socket.socket, peer_port: int) -> None:
        conversation = _Conversation(connection, peer_port, self.authority, self._keep)
        try:
            connection.settimeout(IDLE_SECONDS)
            conversation.run()
        except (OSError, ValueError):
            pass  # the client went away or speaks nonsense; what it said before was kept
        finally:
            with self._lock:
                self._open.discard(connection)
            conversation.connection.close()  # TLS has put its own socket in the place of the plain one
            connection.close()

    def _keep(self, request: Request) -> None:
        with self._lock:
            if len(self.requests) < MAX_CAPTURES:
                self.requests.append(request)
            else:
                self.refused += 1


@define
class _Conversation:
    """One connection: plain or TLS, with or without CONNECT before."""

    connection: socket.socket
    peer_port: int
    authority: Authority
    keep: Callable[[Request], None]
    host: str | None = None
    port: int | None = None
    tls: bool = False
    proxied: bool = False

    def run(self) -> None:
        for _ in range(3):  # CONNECT, then TLS, then the request itself
            if not self.tls and self._first_byte() == b"\x16":
                self._start_tls()
                continue
            method, target, head, rest = self._head()
            if method == "CONNECT":
                self.host, self.port = _host_and_port(target, 443)
                self.proxied = True
                self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                continue
            body = rest + self._body(head, len(rest))
            self._take(method, target, head, body)
            if method:
                self.connection.sendall(_ANSWER)
            return

    def _first_byte(self) -> bytes:
        return self.connection.recv(1, socket.MSG_PEEK)

    def _start_tls(self) -> None:
        context = self.authority.context(self._named)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            # The client does not trust us; that it called, and whom, is known all the same.
            self.tls = True
            self._take("", "", b"", b"")
            raise
        self.tls = True

    def _named(self, name: str) -> None:
        self.host = name
        self.port = self.port or 443

    def _head(self) -> tuple[str, str, bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < MAX_HEAD_BYTES:
            try:
                part = self.connection.recv(4096)
            except TimeoutError:
                break
            if not part:
                break
            data += part
            if not data.startswith(tuple(method[: len(data)] for method in _METHODS)):
                return "", "", b"", data
        head, _, rest = data.partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if not data.startswith(_METHODS) or len(words) < 2:
            return "", "", b"", data
        return words[0], words[1], head, rest

    def _body(self, head: bytes, already: int) -> bytes:
        """Return what follows, until the announced length, the limit, or silence."""
        headers = dict(_headers(head))
        announced = headers.get("content-length", "")
        wanted = int(announced) if announced.isascii() and announced.isdigit() and len(announced) < 16 else 0
        if "transfer-encoding" in headers or not head:
            wanted = MAX_BODY_BYTES
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts = b""
        while len(parts) + already < min(wanted, MAX_BODY_BYTES):
            try:
                part = self.connection.recv(8192)
            except TimeoutError:
                break
            if not part or (parts + part).endswith(b"0\r\n\r\n"):
                parts += part
                break
            parts += part
        return parts

    def _take(self, method: str, target: str, head: bytes, body: bytes) -> None:
        host, port, path = self.host, self.port, target
        if "://" in target:
            parts = urlsplit(target)
            self.proxied = True
            host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
            path = target.split("://", 1)[1].partition("/")[1] + target.split("://", 1)[1].partition("/")[2]
        elif host is None and (named := dict(_headers(head)).get("host")):
            host, port = _host_and_port(named, 443 if self.tls else 80)
        self.keep(
            Request(
                method=method[:16],
                host=None if host is None else host[:255].lower().rstrip("."),
                port=port,
                path=path[:2000],
                head=head[:MAX_HEAD_BYTES],
                body=body[:MAX_BODY_BYTES],
                tls=self.tls,
                proxied=self.proxied,
                peer_port=self.peer_port,
            )
        )


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.decode("latin-1").partition(":")
        yield name.strip().lower(), value.strip()


def _host_and_port(text: str, default: int) -> tuple[str, int]:
    host, _, port = text[:300].rpartition(":")
    if host and port.isascii() and port.isdigit() and int(port) < 65536:
        return host.strip("[]"), int(port)
    return text[:300].strip("[]"), default
