import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_core.permissions import AgentCapabilities
from haldir_enforcer._broker.frames import FrameError, FrameReader, decode_body, encode_frame
from haldir_enforcer.broker import (
    DESCRIPTOR_VARIABLE,
    MAX_FRAME_BYTES,
    Broker,
    BrokerClient,
    BrokerError,
    BrokerLimits,
    Method,
    MethodError,
)
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import Action, Decision, Event
from haldir_enforcer.gate import Gate
from haldir_enforcer.policy import Policy

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")

POLICY = Policy(
    root=Path("/skill"),
    read=(),
    write=(),
    hosts=(),
    programs=(),
    capabilities=AgentCapabilities(memory_read=True),
    never_write=(),
    never_read=(),
    profiles=(),
    notes=(),
)


def _fail(_: str | None, parameters: object) -> object:
    if parameters == "known":
        raise MethodError("there is no such note")
    raise ZeroDivisionError("a secret of the runtime")


METHODS = {
    "recall": Method("memory_read", lambda target, parameters: {"target": target, "parameters": parameters}),
    "remember": Method("memory_write", lambda _target, _parameters: "written"),
    "fail": Method("memory_read", _fail),
    "object": Method("memory_read", lambda _target, _parameters: object()),
    "huge": Method("memory_read", lambda _target, _parameters: "x" * (MAX_FRAME_BYTES + 1)),
    "backdoor": Method("everything", lambda _target, _parameters: "open"),
}
LIMITS = BrokerLimits(requests=50, frame_seconds=0.3, method_seconds=0.3)


class Fixture:
    """A broker with its end of the connection, and what it recorded."""

    def __init__(self, serve: Callable[[Broker, socket.socket], threading.Thread]) -> None:
        self.events: list[Event] = []
        self.broker = Broker(Gate(POLICY, record=self.events.append), METHODS, caller="weather", limits=LIMITS)
        ours, self.skill = socket.socketpair()
        self.skill.settimeout(20)
        self.thread = serve(self.broker, ours)
        self.client = BrokerClient(self.skill, timeout_seconds=20)

    def ended(self) -> bool:
        """Whether the broker has stopped by itself."""
        self.thread.join(20)
        return not self.thread.is_alive()

    def rest(self) -> list[dict[str, Any]]:
        """Return every answer until the broker closes."""
        reader = FrameReader()
        answers: list[dict[str, Any]] = []
        try:
            while data := self.skill.recv(65536):
                answers += reader.feed(data)
        except ConnectionResetError:  # it closed while we were still sending
            return answers
        return answers


def _in_thread(broker: Broker, ours: socket.socket) -> threading.Thread:
    return broker.start(ours)


def _in_asyncio(broker: Broker, ours: socket.socket) -> threading.Thread:
    thread = threading.Thread(target=lambda: asyncio.run(broker.serve_async(ours)), daemon=True)
    thread.start()
    return thread


@pytest.fixture(params=[_in_thread, _in_asyncio], ids=["thread", "asyncio"])
def skill(request: pytest.FixtureRequest) -> Iterator[Fixture]:
    fixture = Fixture(request.param)
    yield fixture
    fixture.client.close()
    assert fixture.ended()


def a_request(nonce: object = 1, method: object = "recall", **members: object) -> bytes:
    return encode_frame({"nonce": nonce, "method": method, "target": None, "parameters": None} | members)


def test_a_call_with_the_capability_is_answered(skill: Fixture) -> None:
    assert skill.client.call("recall", "notes", {"n": [1, None, "é"]}) == {
        "target": "notes",
        "parameters": {"n": [1, None, "é"]},
    }
    assert skill.client.call("recall") == {"target": None, "parameters": None}
    assert [(event.action, event.decision) for event in skill.events] == [
        (Action.AGENT_MEMORY_READ, Decision.ALLOW)
    ] * 2
    assert skill.events[0].detail == "capability 'memory_read', target 'notes', caller 'weather'"


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("remember", Action.AGENT_MEMORY_WRITE),
        ("backdoor", Action.AGENT_UNKNOWN),
        ("memory_read", Action.AGENT_UNKNOWN),
        ("__init__", Action.AGENT_UNKNOWN),
    ],
)
def test_a_call_without_the_capability_is_denied_and_recorded(method: str, action: Action, skill: Fixture) -> None:
    with pytest.raises(BrokerError) as caught:
        skill.client.call(method, "notes")

    assert caught.value.code == "denied"
    assert [(event.action, event.decision) for event in skill.events] == [(action, Decision.DENY)]
    assert skill.client.call("recall", "after") == {"target": "after", "parameters": None}


def test_a_method_that_fails_tells_only_what_it_means_to_tell(skill: Fixture) -> None:
    with pytest.raises(BrokerError, match="there is no such note"):
        skill.client.call("fail", parameters="known")
    with pytest.raises(BrokerError, match=r"fail: fail failed: ZeroDivisionError$") as caught:
        skill.client.call("fail")
    assert caught.value.code == "failed"


@pytest.mark.parametrize("method", ["object", "huge"])
def test_a_result_that_cannot_be_sent_is_a_failure(method: str, skill: Fixture) -> None:
    with pytest.raises(BrokerError, match="no JSON value, or too large"):
        skill.client.call(method)
    assert skill.client.call("recall")


def test_requests_that_come_together_get_one_answer_each_in_order(skill: Fixture) -> None:
    skill.skill.sendall(b"".join(a_request(nonce, target=str(nonce)) for nonce in (3, 7, 8)))
    skill.skill.shutdown(socket.SHUT_WR)

    answers = skill.rest()
    assert [(answer["nonce"], answer["result"]["target"]) for answer in answers] == [(3, "3"), (7, "7"), (8, "8")]


HOSTILE: dict[str, bytes] = {
    "no JSON": (4).to_bytes(4, "big") + b"{{{{",
    "pickle": len(b"\x80\x04N.").to_bytes(4, "big") + b"\x80\x04N.",
    "an array": encode_frame([1]),
    "a number": encode_frame(1),
    "an empty frame": bytes(4),
    "a huge frame": b"\xff\xff\xff\xff",
    "a frame one too large": (MAX_FRAME_BYTES + 1).to_bytes(4, "big"),
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "no nonce": encode_frame({"method": "recall"}),
    "a text as nonce": a_request("1"),
    "a truth as nonce": a_request(nonce=True),
    "a negative nonce": a_request(-1),
    "nonce zero": a_request(0),
    "a fraction as nonce": a_request(1.5),
    "no method": encode_frame({"nonce": 1}),
    "a list as method": a_request(method=["recall"]),
    "a number as target": a_request(target=5),
    "a strange member": a_request(admin=True),
    "a double key": b"\0\0\0\x1f" + b'{"nonce":1,"nonce":2,"method":1}'[:31],
    "half a pair": (len(b'{"nonce":1,"method":"\\ud800"}')).to_bytes(4, "big") + b'{"nonce":1,"method":"\\ud800"}',
    "NaN": (len(b'{"nonce":NaN}')).to_bytes(4, "big") + b'{"nonce":NaN}',
    "infinity": (len(b'{"nonce":1e999}')).to_bytes(4, "big") + b'{"nonce":1e999}',
    "a huge number": (5009).to_bytes(4, "big") + b'{"nonce":' + b"9" * 4999 + b"}",
    "deep nesting": (100_000).to_bytes(4, "big") + b"[" * 100_000,
    "a deep parameter": (60_017).to_bytes(4, "big") + b'{"parameters":' + b"[" * 30_000 + b"]" * 30_000 + b"  }",
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_request_gets_one_answer_and_the_end(sent: bytes, skill: Fixture) -> None:
    skill.skill.sendall(sent + a_request(9))

    (answer,) = skill.rest()
    assert (answer["nonce"], answer["ok"], answer["code"]) == (None, False, "invalid")
    assert [(event.action, event.decision) for event in skill.events] == [(Action.AGENT_UNKNOWN, Decision.DENY)]
    assert skill.ended()


def test_a_nonce_counts_once(skill: Fixture) -> None:
    skill.skill.sendall(a_request(5) + a_request(5))

    first, second = skill.rest()
    assert first["ok"]
    assert "nonce 5 was used already" in second["message"]


def test_a_skill_has_a_number_of_requests(skill: Fixture) -> None:
    for _ in range(LIMITS.requests):
        skill.client.call("recall")
    with pytest.raises(BrokerError):
        skill.client.call("recall")
    assert skill.ended()


def test_a_frame_that_does_not_end_is_given_up(skill: Fixture) -> None:
    skill.skill.sendall(a_request()[:-1])

    (answer,) = skill.rest()
    assert answer["message"] == "a frame did not end in time"


def test_a_skill_that_takes_no_answers_is_given_up(skill: Fixture) -> None:
    with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 - one of the requests
        for nonce in range(1, 1000):
            skill.skill.sendall(a_request(nonce, target="x" * 100_000))
    assert skill.ended()


def test_a_skill_that_goes_away_ends_the_broker(skill: Fixture) -> None:
    skill.skill.sendall(a_request()[:3])
    skill.skill.close()

    assert skill.ended()


@pytest.mark.parametrize("error", [AuditLogError("the disk is full"), OSError("the disk is full")])
def test_an_answer_that_cannot_be_recorded_is_not_given(error: Exception) -> None:
    def full(_: Event) -> None:
        raise error

    broker = Broker(Gate(POLICY, record=full), METHODS, caller="weather")
    ours, theirs = socket.socketpair()
    thread = broker.start(ours)
    client = BrokerClient(theirs, timeout_seconds=20)

    with pytest.raises(BrokerError, match="the broker is gone"):
        client.call("recall")
    thread.join(20)
    assert str(broker.failure).endswith("the disk is full")
    client.close()


def test_coroutine_methods_are_awaited_and_ended_in_time() -> None:
    async def slow(target: str | None, _: object) -> str:
        await asyncio.sleep(0 if target == "quick" else 60)
        return "done"

    broker = Broker(
        Gate(POLICY, record=lambda _: None), {"slow": Method("memory_read", slow)}, caller="weather", limits=LIMITS
    )
    ours, theirs = socket.socketpair()
    thread = _in_asyncio(broker, ours)
    client = BrokerClient(theirs, timeout_seconds=20)

    assert client.call("slow", "quick") == "done"
    with pytest.raises(BrokerError, match="took too long") as caught:
        client.call("slow")
    assert caught.value.code == "timeout"
    client.close()
    thread.join(20)


def test_a_skill_in_its_own_process_uses_the_inherited_descriptor() -> None:
    fixture = Fixture(_in_thread)
    script = """
from haldir_enforcer._broker.client import BrokerClient, BrokerError
client = BrokerClient.inherited()
print(client.call("recall", "notes", [1]))
try:
    client.call("remember")
except BrokerError as error:
    print(error.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        pass_fds=[fixture.skill.fileno()],
        env=os.environ | {DESCRIPTOR_VARIABLE: str(fixture.skill.fileno())},
        capture_output=True,
        text=True,
        check=True,
    )
    fixture.client.close()

    assert done.stdout == "{'target': 'notes', 'parameters': [1]}\ndenied\n"
    assert fixture.ended()


@pytest.mark.parametrize("value", [None, "x", "-1", "99999"])
def test_a_skill_without_a_broker_is_told(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DESCRIPTOR_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(DESCRIPTOR_VARIABLE, value)

    with pytest.raises(BrokerError, match="names no open socket"):
        BrokerClient.inherited()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "closed"),
        (b"\xff\xff\xff\xff", "invalid"),
        (encode_frame({"nonce": 2, "ok": True}), "invalid"),
        (encode_frame({"nonce": 1, "ok": 1}), "None"),
    ],
    ids=["nothing", "garbage", "another nonce", "no truth"],
)
def test_the_client_refuses_a_wrong_answer(answer: bytes, code: str) -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(answer)
    ours.shutdown(socket.SHUT_WR)

    with pytest.raises(BrokerError) as caught:
        BrokerClient(theirs, timeout_seconds=20).call("recall")
    assert caught.value.code == code
    ours.close()
    theirs.close()


def test_the_client_gives_up_in_time() -> None:
    ours, theirs = socket.socketpair()

    with pytest.raises(BrokerError, match="no answer in time"):
        BrokerClient(theirs, timeout_seconds=0.05).call("recall")
    ours.close()


def test_the_client_refuses_to_send_what_is_no_json() -> None:
    ours, theirs = socket.socketpair()

    for value in (object(), float("nan"), "\ud800", "x" * MAX_FRAME_BYTES):
        with pytest.raises(BrokerError, match="recall: "):
            BrokerClient(theirs).call("recall", parameters=value)
    ours.close()
    theirs.close()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4), st.integers(1, 20))
def test_what_is_sent_in_pieces_arrives_whole(message: dict[str, Any], size: int) -> None:
    frame = encode_frame(message) * 2
    reader = FrameReader()

    received = [value for at in range(0, len(frame), size) for value in reader.feed(frame[at : at + size])]

    assert received == [message, message]
    assert not reader.is_inside


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_no_bytes_crash_the_frame_reader(data: bytes) -> None:
    for attempt in (lambda: list(FrameReader().feed(data)), lambda: decode_body(data)):
        try:
            attempt()
        except FrameError:
            continue


def test_no_bytes_crash_the_broker() -> None:
    generator = random.Random(4)  # noqa: S311 - the same bytes each time
    good = a_request(target="notes", parameters={"a": [1, 2]})
    for round_number in range(300):
        fixture = Fixture(_in_thread)
        data = bytearray(good * 3)
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        fixture.skill.sendall(bytes(data[: generator.randrange(len(data)) + 1]))
        fixture.skill.shutdown(socket.SHUT_WR)
        answers = fixture.rest()
        assert len(answers) <= 4, round_number
        assert all(json.dumps(answer) for answer in answers)
        fixture.client.close()
        assert fixture.ended()
        assert fixture.broker.failure is None
