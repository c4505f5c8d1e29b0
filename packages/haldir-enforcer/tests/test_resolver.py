import random
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_enforcer._resolver import (
    MessageError,
    Outcome,
    Query,
    Stub,
    TcpSession,
    dns_event,
    parse_query,
    pin,
    serve_tcp,
)
from haldir_enforcer._resolver.messages import MAX_MESSAGE_BYTES
from haldir_enforcer.events import Action, Class, Decision

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")

A, AAAA, MX, TXT, ANY = 1, 28, 15, 16, 255
TABLE = {
    "api.example.com": pin(["192.0.2.7", "192.0.2.8", "2001:db8::7"]),
    "four.example.com": pin(["192.0.2.4"]),
    "": pin(["192.0.2.9"]),
}
OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


def a_name(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".") if label) + b"\0"


def a_query(
    name: bytes | str = "api.example.com", kind: int = A, *, klass: int = 1, flags: int = 0x0100, opt: bytes = b""
) -> bytes:
    encoded = a_name(name) if isinstance(name, str) else name
    counts = b"\0\1\0\0\0\0" + (b"\0\1" if opt else b"\0\0")
    return (
        b"\x12\x34"
        + flags.to_bytes(2, "big")
        + counts
        + encoded
        + kind.to_bytes(2, "big")
        + klass.to_bytes(2, "big")
        + opt
    )


def ask(message: bytes) -> tuple[bytes | None, list[tuple[str, int, Outcome]]]:
    asked: list[tuple[str, int, Outcome]] = []
    stub = Stub(TABLE, asked=lambda query, outcome: asked.append((query.name, query.kind, outcome)))
    return stub.answer(message), asked


def code_of(reply: bytes | None) -> int:
    assert reply is not None
    return reply[3] & 0xF


def addresses_of(reply: bytes | None) -> list[bytes]:
    assert reply is not None
    count = int.from_bytes(reply[6:8], "big")
    at = 12
    while reply[at]:
        at += 1 + reply[at]
    at += 5
    found = []
    for _ in range(count):
        assert reply[at : at + 2] == b"\xc0\x0c"
        size = int.from_bytes(reply[at + 10 : at + 12], "big")
        found.append(reply[at + 12 : at + 12 + size])
        at += 12 + size
    return found


def test_a_pinned_name_is_answered_with_its_addresses() -> None:
    reply, asked = ask(a_query())

    assert addresses_of(reply) == [b"\xc0\0\2\7", b"\xc0\0\2\x08"]
    assert (code_of(reply), reply[:2] if reply else None) == (0, b"\x12\x34")
    assert asked == [("api.example.com", A, Outcome.ANSWERED)]


def test_each_type_gets_addresses_of_its_own() -> None:
    assert addresses_of(ask(a_query(kind=AAAA))[0]) == list(pin(["2001:db8::7"]))


@pytest.mark.parametrize(
    ("name", "kind"), [("four.example.com", AAAA), ("api.example.com", MX), ("api.example.com", ANY)]
)
def test_a_pinned_name_without_that_type_has_no_answer_but_exists(name: str, kind: int) -> None:
    reply, asked = ask(a_query(name, kind))

    assert (code_of(reply), addresses_of(reply)) == (0, [])
    assert asked == [(name, kind, Outcome.EMPTY)]


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "example.com",
        "x.api.example.com",
        "com",
        "secret-data.attacker.example",
        "api.example.com.local",
    ],
)
def test_any_other_name_does_not_exist_and_is_reported(name: str) -> None:
    reply, asked = ask(a_query(name))

    assert (code_of(reply), addresses_of(reply)) == (3, [])
    assert asked == [(name, A, Outcome.UNKNOWN)]


def test_letters_are_compared_without_case_and_given_back_as_they_came() -> None:
    message = a_query("aPi.ExAmPlE.cOm")
    reply, asked = ask(message)

    assert addresses_of(reply)
    assert reply is not None
    assert reply[12 : len(message)] == message[12:]
    assert asked[0][0] == "api.example.com"


def test_a_dot_inside_of_a_label_makes_another_name() -> None:
    reply, asked = ask(a_query(b"\x0fapi.example.com\0"))

    assert code_of(reply) == 3
    assert asked[0][0] == "api\\046example\\046com"


def test_bytes_of_a_name_are_shown_without_effect() -> None:
    assert ask(a_query(b"\x06\x1b[2J\n\xff\0"))[1][0][0] == "\\027\\0912j\\010\\255"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_query(klass=3), 5),
        (a_query(klass=255), 5),
        (a_query(flags=0x2800), 4),
        (a_query(flags=0x1000), 4),
    ],
    ids=["chaos", "any class", "update", "status"],
)
def test_what_a_stub_does_not_do_is_refused_and_reported(message: bytes, code: int) -> None:
    reply, asked = ask(message)

    assert code_of(reply) == code
    assert [outcome for _, _, outcome in asked] == [Outcome.REFUSED]


def test_an_extended_query_gets_an_extended_answer() -> None:
    reply, _ = ask(a_query(opt=OPT))

    assert reply is not None
    assert reply[10:12] == b"\0\1"
    assert reply.endswith(b"\0\0\x29\x04\xd0\0\0\0\0\0\0")
    assert len(addresses_of(reply)) == 2


def test_an_extension_of_another_version_is_refused() -> None:
    reply, _ = ask(a_query(opt=b"\0\0\x29\x04\xd0\0\1\0\0\0\0"))

    assert reply is not None
    assert (code_of(reply), reply[-6]) == (0, 1)  # 16 = BADVERS, in two parts


HOSTILE = {
    "a pointer to itself": a_query(b"\xc0\x0c"),
    "a pointer to the header": a_query(b"\xc0\0"),
    "a pointer forward": a_query(b"\xc0\x10"),
    "a loop of pointers": a_query(b"\x01a\xc0\x0c"),
    "a label of 64": a_query(b"\x40" + b"a" * 64 + b"\0"),
    "a label of another kind": a_query(b"\x80a\0"),
    "a name of 256": a_query((b"\x3f" + b"a" * 63) * 4 + b"\0"),
    "a name of 4000": a_query((b"\x3f" + b"a" * 63) * 60 + b"\0"),
    "a name without end": a_query()[:20],
    "a label behind the end": a_query(b"\x3fabc"),
    "no type": a_query()[:-4],
    "no class": a_query()[:-2],
    "two questions": a_query()[:4] + b"\0\2" + a_query()[6:],
    "no question": a_query()[:4] + b"\0\0" + a_query()[6:],
    "an answer section": a_query()[:6] + b"\0\1" + a_query()[8:],
    "an authority section": a_query()[:8] + b"\0\1" + a_query()[10:],
    "many additional": a_query()[:10] + b"\xff\xff" + a_query()[12:],
    "bytes after the end": a_query() + b"x",
    "truncated flag": a_query(flags=0x0200),
    "two extensions": a_query()[:10] + b"\0\2" + a_query()[12:] + OPT * 2,
    "a cut extension": a_query(opt=OPT[:-1]),
    "an extension longer than the message": a_query(opt=OPT[:-1] + b"\xff"),
    "an extension with a name": a_query(opt=b"\1a\0" + OPT[1:]),
    "a signature": a_query(opt=b"\0\0\xfa\0\xff\0\0\0\0\0\0"),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_damaged_query_gets_a_format_error_and_nothing_else(message: bytes) -> None:
    reply, asked = ask(message)

    assert reply == b"\x12\x34\x80\x81" + bytes(8)
    assert asked == []


@pytest.mark.parametrize(
    "message",
    [b"", b"\x12\x34", a_query()[:11], a_query(flags=0x8180), a_query() + bytes(MAX_MESSAGE_BYTES)],
    ids=["nothing", "an ident", "half a header", "an answer", "too large"],
)
def test_what_is_no_query_gets_no_answer(message: bytes) -> None:
    assert ask(message) == (None, [])


def test_the_name_of_255_bytes_is_read() -> None:
    query = parse_query(a_query((b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"b" * 61 + b"\0"))

    assert len(query.name) == 253


def test_a_question_that_cannot_be_reported_is_not_answered() -> None:
    def full(_: Query, __: Outcome) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        Stub(TABLE, asked=full).answer(a_query())


def test_a_wrong_address_cannot_be_pinned() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        pin(["localhost"])


@pytest.mark.parametrize(
    ("name", "decision", "kind", "detail"),
    [
        ("api.example.com", Decision.ALLOW, Class.DECLARED, "A answered"),
        ("four.example.com", Decision.ALLOW, Class.DECLARED, "A answered"),
        ("evil.example", Decision.DENY, Class.VIOLATION, "A unknown"),
    ],
)
def test_a_question_becomes_an_event(name: str, decision: Decision, kind: Class, detail: str) -> None:
    events = []
    Stub(TABLE, asked=lambda query, outcome: events.append(dns_event(query, outcome, pid=7))).answer(a_query(name))

    (event,) = events
    assert (event.action, event.decision, event.kind, event.detail, event.pid) == (
        Action.NET_DNS,
        decision,
        kind,
        detail,
        7,
    )
    assert event.endpoint is not None
    assert event.endpoint.host == name


# TCP


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


def a_session(**limits: int) -> TcpSession:
    return TcpSession(Stub(TABLE, asked=lambda _query, _outcome: None), **limits)


@given(size=st.integers(1, 40))
def test_questions_in_pieces_get_the_same_answers(size: int) -> None:
    data = framed(a_query(), a_query("evil.example"), a_query(kind=AAAA, opt=OPT))
    session = a_session()

    out = b"".join(session.feed(data[at : at + size]) for at in range(0, len(data), size))

    assert out == a_session().feed(data)
    assert not session.is_over


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff", framed(b""), framed(b"GET / HTTP/1.1"), framed(a_query(flags=0x8000)), b"GET / HTTP/1.1\r\n"],
    ids=["a huge message", "an empty message", "text", "an answer", "HTTP"],
)
def test_a_session_ends_at_what_is_no_question(data: bytes) -> None:
    session = a_session()
    first = session.feed(data)

    assert session.is_over or first[2:].startswith(b"GE\x80")  # text has an ident, if it is long enough
    assert session.feed(framed(a_query())) == b"" or not session.is_over


@pytest.mark.parametrize("sent", [b"", b"\0", b"GET / HTTP/1.1\r\n", framed(b"x")])
def test_a_connection_ends_with_its_client_and_without_questions(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    thread = threading.Thread(
        target=serve_tcp, args=(ours, Stub(TABLE, asked=lambda _query, _outcome: None)), kwargs={"idle_seconds": 0.2}
    )
    thread.start()
    theirs.sendall(sent)
    theirs.settimeout(20)

    assert theirs.recv(100) == b""
    thread.join(20)
    assert not thread.is_alive()
    theirs.close()


def test_a_client_that_does_not_wait_for_its_answer_ends_the_connection() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(framed(a_query()))
    theirs.close()
    serve_tcp(ours, Stub(TABLE, asked=lambda _query, _outcome: None))

    assert ours.fileno() == -1


def test_a_session_has_a_number_of_questions() -> None:
    session = a_session(max_questions=3)
    out = session.feed(framed(*[a_query()] * 5))

    assert session.is_over
    assert out == a_session().feed(framed(*[a_query()] * 3))


@given(st.binary(max_size=120))
@settings(max_examples=500)
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    with suppress(MessageError):
        parse_query(data)


@pytest.mark.parametrize("good", [a_query(), a_query(opt=OPT)], ids=["plain", "extended"])
def test_no_mutated_query_crashes_or_gets_another_name(good: bytes) -> None:
    generator = random.Random(1)  # noqa: S311 - the same bytes each time
    for _ in range(20_000):
        data = bytearray(good)
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        reply, asked = ask(bytes(data[: generator.randrange(len(data)) + 1]))
        assert reply is None or len(reply) < 600
        if reply is not None and addresses_of_any(reply):
            assert asked[0][0] in TABLE


def addresses_of_any(reply: bytes) -> bool:
    return reply[6:8] != b"\0\0"


def test_the_c_library_understands_the_answers() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        serve_tcp(connection, Stub(TABLE, asked=lambda _query, _outcome: None))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    script = f"""
import ctypes, socket
library = ctypes.CDLL("libresolv.so.2")
query = ctypes.create_string_buffer(512)
size = library.res_mkquery(0, b"api.example.com", 1, 1, None, 0, None, query, 512)
connection = socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}))
connection.sendall(size.to_bytes(2, "big") + query.raw[:size])
data = b""
while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
    data += connection.recv(4096)
message, handle = data[2:], ctypes.create_string_buffer(512)
assert library.ns_initparse(message, len(message), handle) == 0
record = ctypes.create_string_buffer(2048)
for number in range(2):
    assert library.ns_parserr(handle, 1, number, record) == 0
    print(record.raw[:15].decode())
assert library.ns_parserr(handle, 1, 2, record) == -1
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    thread.join(20)
    listener.close()

    assert done.stdout.split() == ["api.example.com", "api.example.com"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js brings another resolver, c-ares")
def test_node_understands_the_answers() -> None:
    stub = Stub(TABLE, asked=lambda _query, _outcome: None)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while (received := server.recvfrom(4096))[0] != b"end":
            server.sendto(stub.answer(received[0]) or b"", received[1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    script = """
const resolver = new (require("dns").promises.Resolver)();
resolver.setServers([process.argv[1]]);
(async () => {
  console.log(await resolver.resolve4("api.example.com"), await resolver.resolve6("api.example.com"));
  for (const [name, kind] of [["four.example.com", "AAAA"], ["evil.example", "A"]])
    await resolver.resolve(name, kind).catch(error => console.log(error.code));
})();
"""
    done = subprocess.run(
        ["node", "-e", script, f"127.0.0.1:{server.getsockname()[1]}"], capture_output=True, text=True, check=True
    )
    server.sendto(b"end", server.getsockname())
    thread.join(20)
    server.close()

    assert done.stdout.split("\n") == [
        "[ '192.0.2.7', '192.0.2.8' ] [ '2001:db8::7' ]",
        "ENODATA",
        "ENOTFOUND",
        "",
    ]
