"""Sockets: made, bound and connected here on behalf of the caller, so that an address is read only once."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH120

import ctypes
import errno
import math
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_enforcer._linux import _kernel, _notification
from haldir_enforcer._linux._names import Peers
from haldir_enforcer._linux._notification import Answer, Give, Listener, Refuse, Request, Value
from haldir_enforcer._linux._report import Deed
from haldir_enforcer._linux._rules import is_there
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer._linux._services import Services
from haldir_enforcer._linux._view import join, signed
from haldir_enforcer.events import Action, Class, Endpoint

if TYPE_CHECKING:
    from haldir_enforcer._resolver.messages import Query

_LONGEST_ADDRESS = 128
_DNS_PORT = 53
_TYPE_MASK = 0xF
_FAMILY_NAMES = {int(family): family.name.removeprefix("AF_").lower() for family in socket.AddressFamily}
_TYPE_NAMES = {int(kind): kind.name.removeprefix("SOCK_").lower() for kind in socket.SocketKind}
_QUIET_PATHS = frozenset({"/var/run/nscd/socket", "/run/nscd/socket"})
_LOOKUPS = 16
"""Datagram sockets that a process may ask for after it read /etc/hosts: the C library sorts addresses with them."""
_TIMEVAL = struct.Struct("ll")
_A_TURN = _TIMEVAL.pack(0, 50_000)
"""How long a connect waits for a place in the queue before it is looked whether its caller still lives."""


@frozen
class _Address:
    family: int
    data: bytes
    ip: str | None = None
    port: int | None = None
    path: bytes | None = None

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(None, self.ip, self.port, "tcp")


@frozen(eq=False)
class Desk:
    """How threads come back to the loop of the supervisor, and which sockets it makes itself."""

    post: Callable[[Callable[[], None]], None]
    answer: Callable[[Request, Answer], None]
    makes_sockets: bool


class _Everything(dict[str, tuple[bytes, ...]]):
    """Every name has an address: its own, or that of the sinkhole."""

    def __init__(self, sinkhole: str, table: dict[str, tuple[bytes, ...]]) -> None:
        super().__init__(table)
        self._sinkhole = (socket.inet_aton(sinkhole),)

    def __missing__(self, name: str) -> tuple[bytes, ...]:
        return self._sinkhole

    def get(self, name: str, default: object = None) -> tuple[bytes, ...]:
        """Return what ``[]`` does."""
        del default
        return self[name]


class Network:
    """Decides about socket, socketpair, connect, bind and listen."""

    def __init__(self, scene: Scene, peers: Peers, services: Services, desk: Desk) -> None:
        self._rules = scene.rules
        self._view = scene.view
        self._memory = scene.memory
        self._report = scene.report
        self._peers = peers
        self._services = services
        self._lookups: dict[int, int] = {}
        self._desk = desk

    def looked_up(self, process: int) -> None:
        """The process has read the list of hosts, so that it is about to sort addresses."""
        self._lookups[process] = _LOOKUPS

    def make(self, request: Request) -> Answer:
        """Return the answer to socket."""
        family, kind, protocol = (signed(value) for value in request.arguments[:3])
        plain = kind & _TYPE_MASK
        if family == socket.AF_UNIX and plain in {socket.SOCK_STREAM, socket.SOCK_SEQPACKET}:
            return _notification.GO_ON
        tcp = plain == socket.SOCK_STREAM and protocol in {0, socket.IPPROTO_TCP}
        if family in {socket.AF_INET, socket.AF_INET6} and tcp:
            if not self._desk.makes_sockets:
                return _notification.GO_ON
            made = socket.socket(family, plain, protocol)
            made.setblocking(not kind & socket.SOCK_NONBLOCK)
            return Give(made.detach(), bool(kind & socket.SOCK_CLOEXEC))
        self._refuse_kind(request, family, plain)
        return _notification.DENIED

    def pair(self, request: Request) -> Answer:
        """Return the answer to a socketpair that is no stream: a datagram one could send to any path."""
        family, kind = (signed(value) for value in request.arguments[:2])
        self._refuse_kind(request, family, kind & _TYPE_MASK)
        return _notification.DENIED

    def listen(self, request: Request) -> Answer:
        """Return the answer to listen: for paths only."""
        held = self._held(request)
        with held:
            if held.family != socket.AF_UNIX:
                self._deny(request, Action.NET_LISTEN, Endpoint(None, None, None, "tcp"))
                return _notification.DENIED
            try:
                held.listen(signed(request.arguments[1]))
            except OSError as error:
                return Refuse(error.errno or errno.EACCES)
        return _notification.DONE

    def bind(self, request: Request) -> Answer:
        """Return the answer to bind: for paths that may be written, and for no address of the network."""
        address = self._address(request)
        if address.family != socket.AF_UNIX or not address.path or address.path.startswith(b"\0"):
            proto = "unix" if address.family == socket.AF_UNIX else "tcp"
            # So does urllib3, and with it every program with requests, to see whether there is IPv6: nobody can connect
            # to what does not listen, and to listen is a violation.
            asks = address.port == 0 and address.ip in {"::1", "127.0.0.1"}
            endpoint = Endpoint(_label(address), address.ip, address.port, proto)
            self._deny(request, Action.NET_BIND, endpoint, ambient=asks)
            return _notification.DENIED
        via = self._view.absolute(request, _kernel.AT_FDCWD, address.path)
        try:
            folder, name = self._view.find_parent(via)
        except FileNotFoundError:
            self._unix_note(request, via, Class.VIOLATION if is_there(os.path.dirname(via)) else Class.AMBIENT)
            raise
        if not self._unix_path(request, join(folder.real, name)):
            return _notification.DENIED
        with self._held(request) as held:
            held.bind(f"/proc/self/fd/{folder.descriptor}/{name}")
        return _notification.DONE

    def connect(self, request: Request, listener: Listener) -> Answer:
        """Return the answer to connect, after it was carried out on a copy of the socket."""
        address = self._address(request)
        if address.family == socket.AF_UNIX:
            return self._connect_path(request, address, lambda: listener.still_waits(request))
        if address.family == socket.AF_UNSPEC:
            with self._held(request) as held:
                return Value(0) if _connect(held, address.data) == 0 else Refuse(errno.EINVAL)
        if address.ip is None or address.port is None:
            self._deny(request, Action.NET_CONNECT, Endpoint(_label(address), None, None, "other"))
            return _notification.DENIED
        if address.port == _DNS_PORT and not self._peers.is_pinned(address.ip, _DNS_PORT):
            return self._connect_resolver(request, listener)
        return self._in_thread(request, lambda: self._connect_peer(request, address))

    def _connect_peer(self, request: Request, address: _Address) -> Answer:
        """Connect to a pinned peer; this runs in a thread, because it may take as long as the network takes."""
        assert address.ip is not None and address.port is not None  # noqa: S101, PT018 - the caller looked
        rule = self._peers.find(address.ip, address.port)
        proxy = self._peers.is_proxy(address.ip, address.port)
        endpoint = Endpoint(rule.host if rule else None, address.ip, address.port, "tcp")
        if rule is None and not proxy:
            self._desk.post(lambda: self._deny(request, Action.NET_CONNECT, endpoint))
            if self._services.sinkhole is None:
                return _notification.DENIED
            address = _to(address.family, self._services.sinkhole)
        else:
            deed = Deed(
                Action.NET_CONNECT,
                allowed=True,
                kind=Class.AMBIENT if proxy else Class.DECLARED,
                rule=rule.declared if rule else "proxy",
                more=endpoint,
            )
            self._desk.post(lambda: self._report.note(request, deed))
        with self._held(request) as held:
            number = _connect(held, address.data)
        return Refuse(number) if number else _notification.DONE

    def _in_thread(self, request: Request, do: Callable[[], Answer]) -> Answer:
        def answer() -> None:
            try:
                result = do()
            except OSError as error:
                result = Refuse(error.errno or errno.EACCES)
            self._desk.post(lambda: self._desk.answer(request, result))

        threading.Thread(target=answer, daemon=True).start()
        return _notification.LATER

    def _connect_path(self, request: Request, address: _Address, waits: Callable[[], bool]) -> Answer:
        path = address.path or b""
        if not path or path.startswith(b"\0"):
            self._deny(request, Action.IPC_UNIX, Endpoint(_label(address), None, None, "unix"))
            return _notification.DENIED
        via = self._view.absolute(request, _kernel.AT_FDCWD, path)
        if via in _QUIET_PATHS:
            self._unix_note(request, via, Class.AMBIENT)
            return Refuse(errno.ENOENT)
        try:
            found = self._view.find(via, follow=True)
        except OSError as error:
            self._unix_note(request, via, self._rules.absent(os.path.realpath(via)).kind)
            return Refuse(error.errno or errno.ENOENT)
        with ExitStack() as closing:
            closing.callback(os.close, found.descriptor)
            if not self._unix_path(request, found.real):
                return _notification.DENIED
            data = struct.pack("H", socket.AF_UNIX) + f"/proc/self/fd/{found.descriptor}".encode() + b"\0"
            held = closing.enter_context(self._held(request))
            in_thread = closing.pop_all()

        def connect() -> Answer:
            with in_thread:
                number = _connect_patiently(held, data, waits)
            return Refuse(number) if number else _notification.DONE

        return self._in_thread(request, connect)  # the other side may let it wait for as long as it likes

    def _unix_path(self, request: Request, real: str) -> bool:
        verdict = self._rules.writing(real)
        self._report.note(
            request,
            Deed(
                Action.IPC_UNIX,
                verdict.allowed,
                verdict.kind,
                path=real,
                rule=verdict.rule,
                errno=None if verdict.allowed else errno.EACCES,
            ),
        )
        return verdict.allowed

    def _unix_note(self, request: Request, path: str, kind: Class) -> None:
        self._report.note(request, Deed(Action.IPC_UNIX, allowed=False, kind=kind, path=path, errno=errno.ENOENT))

    def _connect_resolver(self, request: Request, listener: Listener) -> Answer:
        """Put one end of a pair in the place of the caller's socket; a thread answers at the other."""
        ours, theirs = socket.socketpair()
        with theirs, self._held(request) as held:
            theirs.setblocking(os.get_blocking(held.fileno()))
            place = signed(request.arguments[0])
            listener.put_at(request, theirs.fileno(), place, close_on_exec=True)
        threading.Thread(target=self._serve_names, args=(request, ours), daemon=True).start()
        return _notification.DONE

    def _serve_names(self, request: Request, ours: socket.socket) -> None:
        """Answer the DNS messages of one connection, from the table of declared names."""
        from haldir_enforcer._resolver.stub import Outcome, Stub, TcpSession, dns_event  # noqa: PLC0415 - rarely needed

        process = self._report.caller(request.thread).process

        def asked(query: "Query", outcome: Outcome) -> None:
            event = dns_event(query, outcome if query.name in table else Outcome.UNKNOWN, pid=process)
            self._desk.post(lambda: self._report.event(event))

        table = self._peers.table()
        pinned = _Everything(self._services.sinkhole[0], table) if self._services.sinkhole else table
        session = TcpSession(Stub(pinned, asked=asked))
        with ours:
            while not session.is_over and (data := ours.recv(4096)):
                ours.sendall(session.feed(data))

    def _refuse_kind(self, request: Request, family: int, kind: int) -> None:
        proto = f"{_FAMILY_NAMES.get(family, str(family))}-{_TYPE_NAMES.get(kind, str(kind))}"
        ambient = family == socket.AF_NETLINK
        process = self._report.caller(request.thread).process
        if family in {socket.AF_INET, socket.AF_INET6} and kind == socket.SOCK_DGRAM and self._lookups.get(process):
            self._lookups[process] -= 1
            ambient = True
        self._deny(request, Action.NET_SOCKET, Endpoint(None, None, None, proto), ambient=ambient)

    def _deny(self, request: Request, action: Action, endpoint: Endpoint, *, ambient: bool = False) -> None:
        kind = Class.AMBIENT if ambient else Class.VIOLATION
        self._report.note(request, Deed(action, allowed=False, kind=kind, errno=errno.EACCES, more=endpoint))

    def _address(self, request: Request) -> _Address:
        size = min(request.arguments[2] & 0xFFFFFFFF, _LONGEST_ADDRESS)
        data = self._memory.read(request, request.arguments[1], size) if size else b""
        return _parse(data)

    def _held(self, request: Request) -> socket.socket:
        """Return a copy of the caller's socket, or raise the OSError that the call gets."""
        process = os.pidfd_open(self._report.caller(request.thread).process)
        try:
            copy = _kernel.call("pidfd_getfd", process, signed(request.arguments[0]))
        finally:
            os.close(process)
        try:
            return socket.socket(fileno=copy)
        except OSError:
            os.close(copy)
            raise


def _parse(data: bytes) -> _Address:
    family = struct.unpack_from("H", data)[0] if len(data) >= 2 else -1
    if family == socket.AF_INET and len(data) >= 8:
        return _Address(family, data, socket.inet_ntop(family, data[4:8]), struct.unpack_from(">H", data, 2)[0])
    if family == socket.AF_INET6 and len(data) >= 24:
        ip = socket.inet_ntop(family, data[8:24])
        if ip.startswith("::ffff:") and "." in ip:
            ip = ip[7:]
        return _Address(family, data, ip, struct.unpack_from(">H", data, 2)[0])
    if family == socket.AF_UNIX:
        path = data[2:]
        return _Address(family, data, path=path if path.startswith(b"\0") else path.split(b"\0", 1)[0])
    return _Address(family, data)


def _to(family: int, peer: tuple[str, int]) -> _Address:
    """Return the address of an IPv4 peer for a socket of this family."""
    ip = socket.inet_pton(socket.AF_INET, peer[0])
    port = struct.pack(">H", peer[1])
    if family == socket.AF_INET6:
        return _Address(
            family, struct.pack("H", family) + port + bytes(4) + b"\0" * 10 + b"\xff\xff" + ip + bytes(4), *peer
        )
    return _Address(family, struct.pack("H", family) + port + ip + bytes(8), *peer)


def _label(address: _Address) -> str | None:
    if address.path is not None:
        return "@" + address.path[1:].decode("latin-1") if address.path.startswith(b"\0") else None
    return None if address.ip else _FAMILY_NAMES.get(address.family, str(address.family))


def _connect(held: socket.socket, data: bytes) -> int:
    """Return the errno of connecting to exactly these bytes."""
    buffer = ctypes.create_string_buffer(data, len(data))
    try:
        _kernel.call("connect", held.fileno(), ctypes.addressof(buffer), len(data))
    except OSError as error:
        return error.errno or errno.EACCES
    return 0


def _connect_patiently(held: socket.socket, data: bytes, waits: Callable[[], bool]) -> int:
    """The same for a local socket, where a full queue makes the caller wait; with a dead caller nobody waits on."""
    own = held.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.size)
    seconds, microseconds = _TIMEVAL.unpack(own)
    end = time.monotonic() + seconds + microseconds / 1_000_000 if any(own) else math.inf
    held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _A_TURN)
    try:
        while (number := _connect(held, data)) == errno.EAGAIN:
            if not os.get_blocking(held.fileno()) or time.monotonic() >= end or not waits():
                break
        return number
    finally:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, own)
