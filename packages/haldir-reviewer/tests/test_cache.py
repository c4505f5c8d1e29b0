import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import Factory, define, evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.canonical import JsonObject
from haldir_reviewer._providers.cached import CachedModel
from haldir_reviewer._providers.connected import ConnectedModel, Offer
from haldir_reviewer._providers.interface import Answer, Call, NoAnswer
from haldir_reviewer._providers.openai import OpenAI
from haldir_reviewer.budget import Budget, Purse
from haldir_reviewer.cache import AnswerCache, CacheError, CacheKey
from haldir_reviewer.model import MalformedAnswerError, Request

KEY = CacheKey(content="sha256:a", prompt_version="1", model="small", parameters={"seed": 1}, schema={"type": "object"})
VALUE: JsonObject = {"score": 0.5, "text": "gr\u00fc\u00df"}
REQUEST = Request("Judge.", "data", "review", {"type": "object", "required": ("score",)}, seed=3)


@define
class Counting:
    """A transport that counts, and gives a numbered score each time."""

    body: str = '{"score": %d}'
    calls: list[Call] = Factory(list)

    async def post(self, call: Call) -> Answer | NoAnswer:
        """Give the next answer."""
        self.calls.append(call)
        content = (self.body % len(self.calls)).replace('"', '\\"')
        return Answer(f'{{"choices":[{{"message":{{"content":"{content}"}},"finish_reason":"stop"}}]}}'.encode())


def cached(folder: Path, transport: Counting, model: str = "small", **settings: str) -> CachedModel:
    purse = Purse(Budget(), None, lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: "name")
    connected = ConnectedModel(Offer(name="first", model=model), OpenAI(model=model), transport, purse)
    return CachedModel(connected, dict(settings), AnswerCache(folder))


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "a" / "cache")
    assert cache.find(KEY) is None
    cache.keep(KEY, VALUE)
    assert cache.find(KEY) == VALUE


def test_the_cache_is_private(tmp_path: Path) -> None:
    AnswerCache(tmp_path / "cache").keep(KEY, VALUE)
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()] == [0o600]


OTHERS = {
    "content": evolve(KEY, content="sha256:b"),
    "prompt version": evolve(KEY, prompt_version="2"),
    "model": evolve(KEY, model="large"),
    "parameters": evolve(KEY, parameters={"seed": 2}),
    "schema": evolve(KEY, schema={"type": "array"}),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_question_is_not_found(tmp_path: Path, other: CacheKey) -> None:
    AnswerCache(tmp_path).keep(KEY, VALUE)
    assert AnswerCache(tmp_path).find(other) is None


DAMAGES = {
    "empty": b"",
    "truncated": b'{"answer":{"score":0',
    "another score": None,
    "no object": b"[]",
    "binary": b"\xff\0",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_not_found_and_is_written_anew(tmp_path: Path, damage: bytes | None) -> None:
    cache = AnswerCache(tmp_path)
    cache.keep(KEY, VALUE)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.9") if damage is None else damage)
    assert cache.find(KEY) is None
    cache.keep(KEY, VALUE)
    assert cache.find(KEY) == VALUE


def test_the_entry_of_another_question_under_this_name_is_not_found(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    other = OTHERS["content"]
    cache.keep(other, VALUE)
    (tmp_path / f"{other.digest}.json").rename(tmp_path / f"{KEY.digest}.json")
    assert cache.find(KEY) is None


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_cache(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("cache")
    path = folder / f"{KEY.digest}.json"
    path.touch(mode=0o600)
    path.write_bytes(data)
    assert AnswerCache(folder).find(KEY) is None


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "readable"])
def test_what_is_no_private_file_is_not_read(tmp_path: Path, kind: str) -> None:
    cache = AnswerCache(tmp_path / "cache")
    cache.keep(KEY, VALUE)
    path = tmp_path / "cache" / f"{KEY.digest}.json"
    aside = path.rename(tmp_path / "aside")
    match kind:
        case "link":
            path.symlink_to(aside)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.write_bytes(aside.read_bytes())
            path.chmod(0o644)
    assert cache.find(KEY) is None


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(CacheError, match="nobody else can write"):
        AnswerCache(tmp_path).find(KEY)
    with pytest.raises(CacheError):
        AnswerCache(tmp_path).keep(KEY, VALUE)


def test_the_longest_unused_go_where_there_are_too_many_bytes(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, max_bytes=1000)
    keys = [evolve(KEY, content=str(number)) for number in range(4)]
    for age, key in enumerate(keys[:3]):
        cache.keep(key, {"a": "x" * 100})
        os.utime(tmp_path / f"{key.digest}.json", (age, age))
    assert cache.find(keys[0]) is not None  # and is used now
    cache.keep(keys[3], {"a": "x" * 100})
    assert [cache.find(key) is not None for key in keys] == [True, False, True, True]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000


def test_an_answer_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, max_bytes=100)
    cache.keep(KEY, {"a": "x" * 100})
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("x" * 5000, encoding="ascii")
    AnswerCache(tmp_path, max_bytes=1000).keep(KEY, VALUE)
    assert (tmp_path / "note.txt").exists()


def test_a_model_is_asked_once_for_the_same(tmp_path: Path) -> None:
    transport = Counting()
    first, again = (asyncio.run(cached(tmp_path, transport).ask(REQUEST)) for _ in range(2))
    assert first.value == again.value == {"score": 1}
    assert (len(transport.calls), again.usage.cost_micros, again.usage.input_tokens) == (1, 0, 0)


@pytest.mark.parametrize(
    "other",
    [
        evolve(REQUEST, system="Judge!"),
        evolve(REQUEST, user="data2"),
        evolve(REQUEST, name="extract"),
        evolve(REQUEST, schema={}),
        evolve(REQUEST, seed=4),
        evolve(REQUEST, temperature=0.5),
        evolve(REQUEST, max_output_tokens=1),
    ],
    ids=["instructions", "material", "name", "schema", "seed", "temperature", "length"],
)
def test_a_model_is_asked_again_where_anything_differs(tmp_path: Path, other: Request) -> None:
    transport = Counting()
    asyncio.run(cached(tmp_path, transport).ask(REQUEST))
    assert asyncio.run(cached(tmp_path, transport).ask(other)).value == {"score": 2}


def test_another_model_or_setting_is_asked_itself(tmp_path: Path) -> None:
    transport = Counting()
    asyncio.run(cached(tmp_path, transport).ask(REQUEST))
    assert asyncio.run(cached(tmp_path, transport, "large").ask(REQUEST)).value == {"score": 2}
    assert asyncio.run(cached(tmp_path, transport, structured="text").ask(REQUEST)).value == {"score": 3}


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    transport = Counting(body="no JSON %d")
    for _ in range(2):
        with pytest.raises(MalformedAnswerError):
            asyncio.run(cached(tmp_path, transport).ask(REQUEST))
    assert len(transport.calls) == 2


def test_a_question_that_is_no_text_is_left_to_the_model(tmp_path: Path) -> None:
    model = cached(tmp_path, Counting())
    assert (model.name, model.max_input_characters) == ("first", 200_000)
    with pytest.raises(Exception, match="cannot be written as JSON"):
        asyncio.run(model.ask(evolve(REQUEST, user="\ud800")))
