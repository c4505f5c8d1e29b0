import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_reviewer._providers.interface import Answer, Call, NoAnswer
from haldir_reviewer.budget import Budget
from haldir_reviewer.cassette import Cassette, CassetteError, Recorder, begin_cassette
from haldir_reviewer.configuration import Provider, read_configuration
from haldir_reviewer.ledger import Ledger
from haldir_reviewer.model import Reply, Request, UnavailableError
from haldir_reviewer.panels import Means, Surroundings, open_panel, record_panel, replay_panel

CALL = Call("/chat/completions", {"model": "small", "temperature": 0.0})
SEED = b"seed" * 8
REQUEST = Request("Judge.", "data", "review", {"type": "object"})
ANSWER = {
    "model": "small-1",
    "choices": [{"message": {"content": '{"score": 1}'}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
}


@define
class Scripted:
    """A transport that gives one answer."""

    outcome: Answer | NoAnswer
    asked: int = 0

    async def post(self, call: Call) -> Answer | NoAnswer:  # noqa: ARG002 - the interface
        """Count, and give it."""
        self.asked += 1
        return self.outcome


async def no_sleep(_: float) -> None:
    """Return at once."""


def means(**others: Any) -> Means:  # noqa: ANN401 - fields of several types
    names = iter(map(str, range(1000)))
    standard = Means(
        environment={"MODEL_KEY": "key-0123456789-abcdefghij"},
        surroundings=Surroundings(lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: 0.0, no_sleep, lambda: 0.0),
        name_one=lambda: next(names),
        budget=Budget(),
    )
    return evolve(standard, **others)


def provider(url: str = "https://models.example", **settings: object) -> Provider:
    table = {"kind": "openai", "model": "small", "base_url": url, "key_env": "MODEL_KEY", "tries": 1, **settings}
    return read_configuration({"providers": {"first": table}}, folder=Path()).panel[0]


def recorded(path: Path, *answers: bytes) -> Cassette:
    begin_cassette(path, SEED)
    for answer in answers:
        asyncio.run(Recorder(Scripted(Answer(answer)), "first", path).post(CALL))
    return Cassette.read(path)


def play(cassette: Cassette, call: Call, provider: str = "first") -> Answer | NoAnswer:
    return asyncio.run(cassette.player(provider).post(call))


def test_what_was_recorded_is_played_byte_for_byte(tmp_path: Path) -> None:
    data = json.dumps(ANSWER, indent=3).encode()
    cassette = recorded(tmp_path / "tape", data)
    assert (cassette.seed, play(cassette, CALL)) == (SEED, Answer(data))


def test_the_order_and_the_form_of_a_question_do_not_matter(tmp_path: Path) -> None:
    cassette = recorded(tmp_path / "tape", b"{}")
    assert play(cassette, Call(CALL.path, {"temperature": 0, "model": "small"})) == Answer(b"{}")


UNKNOWN = {
    "another body": (Call(CALL.path, {"model": "small", "temperature": 0.5}), "first"),
    "another path": (Call("/v1/messages", CALL.body), "first"),
    "another provider": (CALL, "second"),
}


@pytest.mark.parametrize(("call", "provider"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_question_that_was_not_recorded_is_an_error(tmp_path: Path, call: Call, provider: str) -> None:
    outcome = play(recorded(tmp_path / "tape", b"{}"), call, provider)
    assert isinstance(outcome, NoAnswer)
    assert type(outcome.error) is UnavailableError
    assert "record it again" in str(outcome.error)


def test_the_first_answer_to_a_question_is_played(tmp_path: Path) -> None:
    assert play(recorded(tmp_path / "tape", b"{}", b"[]"), CALL) == Answer(b"{}")


def test_what_is_no_answer_is_not_recorded(tmp_path: Path) -> None:
    begin_cassette(tmp_path / "tape", SEED)
    for outcome in (NoAnswer(UnavailableError("down")), Answer(b"\xff")):
        assert asyncio.run(Recorder(Scripted(outcome), "first", tmp_path / "tape").post(CALL)) == outcome
    assert Cassette.read(tmp_path / "tape").answers == {}


def test_a_cassette_is_private_and_replaces_nothing(tmp_path: Path) -> None:
    begin_cassette(tmp_path / "tape", SEED)
    assert (tmp_path / "tape").stat().st_mode & 0o777 == 0o600
    with pytest.raises(CassetteError, match="File exists"):
        begin_cassette(tmp_path / "tape", SEED)


def test_a_cassette_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    recorder = Recorder(Scripted(Answer(b"{}")), "first", tmp_path / "none" / "tape")
    with pytest.raises(CassetteError, match="cannot write the cassette"):
        asyncio.run(recorder.post(CALL))
    with pytest.raises(CassetteError, match="cannot make the cassette"):
        begin_cassette(tmp_path / "none" / "tape", SEED)


DAMAGED = {
    "empty": b"",
    "no JSON": b"hello\n",
    "another version": b'{"cassette":"2.0","seed":""}\n',
    "a seed of a wrong type": b'{"cassette":"1.0","seed":1}\n',
    "a seed that is not hexadecimal": b'{"cassette":"1.0","seed":"xy"}\n',
    "a long seed": b'{"cassette":"1.0","seed":"' + b"00" * 65 + b'"}\n',
    "a torn line": b'{"cassette":"1.0","seed":""}\n{"answer":',
    "a line without an answer": b'{"cassette":"1.0","seed":""}\n{"provider":"a","path":"b","body":{}}\n',
    "an answer of a wrong type": b'{"cassette":"1.0","seed":""}\n{"provider":"a","path":"b","body":{},"answer":1}\n',
    "a member more": b'{"cassette":"1.0","seed":""}\n{"provider":"a","path":"b","body":{},"answer":"","key":"k"}\n',
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_cassette_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tape").write_bytes(data)
    with pytest.raises(CassetteError, match="is damaged in line"):
        Cassette.read(tmp_path / "tape")


@given(data=st.binary(max_size=50))
def test_no_bytes_crash_the_reader(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("tape") / "tape"
    path.write_bytes(data)
    with pytest.raises(CassetteError):
        Cassette.read(path)


def test_a_cassette_that_is_missing_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, tmp_path / "nul\0"):
        with pytest.raises(CassetteError, match="cannot read the cassette"):
            Cassette.read(path)


def test_a_replay_needs_no_key_asks_nobody_and_books_nothing(tmp_path: Path) -> None:
    begin_cassette(tmp_path / "tape", SEED)
    first = provider(prices={"input": 1, "output": 1})
    call = first.protocol.call(REQUEST)
    asyncio.run(Recorder(Scripted(Answer(json.dumps(ANSWER).encode())), "first", tmp_path / "tape").post(call))
    given = means(environment={}, ledger=Ledger(tmp_path / "ledger"), budget=Budget(per_day=0))
    panel = replay_panel((first,), given, Cassette.read(tmp_path / "tape"))
    reply = asyncio.run(panel.models[0].ask(REQUEST))
    assert (reply.value, reply.usage.cost_micros, panel.is_recorded) == ({"score": 1}, 15, True)
    assert not (tmp_path / "ledger").exists()


def test_no_key_gets_into_a_cassette(tmp_path: Path) -> None:
    panel = record_panel((provider("http://127.0.0.1:1"),), means(), tmp_path / "tape", SEED)
    with pytest.raises(UnavailableError):
        asyncio.run(panel.models[0].ask(REQUEST))
    assert b"key-0123456789" not in (tmp_path / "tape").read_bytes()
    assert not panel.is_recorded


def test_a_provider_whose_key_is_missing_is_left_out_and_named() -> None:
    panel = open_panel((provider(),), means(environment={}))
    assert panel.models == ()
    assert panel.missing == {"first": "the environment variable MODEL_KEY is not set: put the key into it"}


def test_a_panel_tells_the_smallest_limit_of_input() -> None:
    both = (provider(max_input_characters=50), evolve(provider(max_input_characters=70), name="second"))
    assert open_panel(both, means()).max_input_characters == 50


def test_a_reply_is_the_same_as_it_was_recorded(tmp_path: Path) -> None:
    begin_cassette(tmp_path / "tape", SEED)
    call = provider().protocol.call(REQUEST)
    asyncio.run(Recorder(Scripted(Answer(json.dumps(ANSWER).encode())), "first", tmp_path / "tape").post(call))
    panel = replay_panel((provider(),), means(), Cassette.read(tmp_path / "tape"))
    replies = [asyncio.run(panel.models[0].ask(REQUEST)) for _ in range(2)]
    assert replies[0] == replies[1] == Reply({"score": 1}, "small-1", replies[0].usage)
