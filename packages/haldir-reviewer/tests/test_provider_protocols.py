import contextlib
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_reviewer._providers import anthropic, openai
from haldir_reviewer._providers.interface import Dialect, Reading
from haldir_reviewer._providers.openai import OpenAI, extract
from haldir_reviewer._providers.secret import MissingError, Secret, read_key_file, read_variable
from haldir_reviewer.costs import Tokens
from haldir_reviewer.model import CutShortError, MalformedAnswerError, ProviderError, RefusedError, Request

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from model_server import completion, message

SCHEMA = {"type": "object", "properties": {"score": {"type": "number", "enum": (0, 1)}}, "required": ["score"]}
REQUEST = Request("Judge.", "data", "review", SCHEMA, max_output_tokens=50, seed=7)
PLAIN = {"type": "object", "properties": {"score": {"type": "number", "enum": [0, 1]}}, "required": ["score"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(protocol: Dialect, answer: dict[str, Any]) -> Reading:
    try:
        return protocol.read(answer, REQUEST)
    except MalformedAnswerError as error:
        return Reading(error)


OPENAI = OpenAI(model="small")
ANTHROPIC = anthropic.Anthropic(model="small")
BOTH: dict[str, Dialect] = {"openai": OPENAI, "anthropic": ANTHROPIC}


def test_openai_is_asked_with_a_strict_schema() -> None:
    assert OPENAI.call(REQUEST).body == {
        "model": "small",
        "messages": [{"role": "system", "content": "Judge."}, {"role": "user", "content": "data"}],
        "max_tokens": 50,
        "temperature": 0.0,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "review", "strict": True, "schema": PLAIN},
        },
    }


@pytest.mark.parametrize(
    ("structure", "form"),
    [(openai.Structure.JSON_OBJECT, {"type": "json_object"}), (openai.Structure.TEXT, None)],
    ids=["json_object", "text"],
)
def test_a_server_without_schemas_is_told_the_schema_in_words(structure: openai.Structure, form: object) -> None:
    body: Any = OpenAI(model="small", structure=structure).call(REQUEST).body
    assert body.get("response_format") == form
    assert json.dumps(PLAIN) in body["messages"][0]["content"]
    assert body["messages"][0]["content"].startswith("Judge.\n")


def test_what_a_server_does_not_know_is_left_out_and_what_it_needs_is_added() -> None:
    protocol = OpenAI(
        model="small",
        omit=frozenset({"seed", "temperature"}),
        length_field="max_completion_tokens",
        parameters={"reasoning_effort": "low", "model": "other"},
    )
    body = protocol.call(REQUEST).body
    assert set(body) == {"model", "messages", "max_completion_tokens", "response_format", "reasoning_effort"}
    assert body["model"] == "small"


def test_anthropic_is_asked_with_a_tool_it_must_call_and_instructions_it_may_cache() -> None:
    assert ANTHROPIC.call(REQUEST).body == {
        "model": "small",
        "max_tokens": 50,
        "temperature": 0.0,
        "system": [{"type": "text", "text": "Judge.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "data"}]}],
        "tools": [{"name": "review", "description": "Give the answer.", "input_schema": PLAIN}],
        "tool_choice": {"type": "tool", "name": "review", "disable_parallel_tool_use": True},
    }


def test_anthropic_can_be_asked_for_a_schema_without_a_tool() -> None:
    protocol = anthropic.Anthropic(model="small", structure=anthropic.Structure.JSON_SCHEMA, caches_prompts=False)
    body: Any = protocol.call(REQUEST).body
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": PLAIN}}
    assert body["system"] == [{"type": "text", "text": "Judge."}]
    assert "tools" not in body


def test_anthropic_without_tools_is_told_the_schema_in_words() -> None:
    protocol = anthropic.Anthropic(model="small", structure=anthropic.Structure.TEXT)
    body: Any = protocol.call(REQUEST).body
    assert json.dumps(PLAIN) in body["system"][0]["text"]
    assert not {"tools", "tool_choice", "output_config"} & set(body)


def test_the_beginning_of_a_question_is_the_same_whatever_the_material() -> None:
    for protocol in BOTH.values():
        one, other = (json.dumps(protocol.call(evolve(REQUEST, user=user)).body) for user in ("one", "other"))
        assert "Judge." in one[: one.index("one")]
        assert one.replace("one", "other") == other


def test_a_good_answer_is_read_with_what_it_took() -> None:
    assert read(OPENAI, completion()) == Reading({"score": 1}, "small-1", Tokens(input=100, output=10))
    assert read(ANTHROPIC, message({"score": 1})) == Reading({"score": 1}, "small-2", Tokens(input=100, output=10))


USAGES = {
    "openai": ({"prompt_tokens_details": {"cached_tokens": 60}}, 60),
    "deepseek": ({"prompt_cache_hit_tokens": 50, "prompt_cache_miss_tokens": 50}, 50),
    "kimi": ({"cached_tokens": 40}, 40),
    "null details": ({"prompt_tokens_details": None}, 0),
    "more than all": ({"cached_tokens": 4000}, 100),
}


@pytest.mark.parametrize(("more", "cached"), USAGES.values(), ids=USAGES)
def test_tokens_from_the_cache_are_found_where_providers_tell_them(more: dict[str, object], cached: int) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, **more}
    assert read(OPENAI, completion(usage=usage)).tokens == Tokens(input=100, output=10, cached=cached)


def test_anthropic_counts_what_the_cache_took_and_gave_apart() -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 5,
        "service_tier": "standard",
    }
    tokens = read(ANTHROPIC, message({}, usage=usage)).tokens
    assert tokens == Tokens(input=100, output=5, cached=60, written=30)


def test_an_answer_that_does_not_tell_what_it_took_is_an_answer() -> None:
    assert read(OPENAI, completion(usage=None)) == Reading({"score": 1}, "small-1", None)


ENDS: dict[str, tuple[Dialect, dict[str, Any], type[ProviderError]]] = {
    "length": (OPENAI, completion('{"score":', "length"), CutShortError),
    "length with whole JSON": (OPENAI, completion(finish="length"), CutShortError),
    "filter": (OPENAI, completion(finish="content_filter"), RefusedError),
    "no end": (OPENAI, completion(finish=None), MalformedAnswerError),
    "tool calls": (OPENAI, completion(finish="tool_calls"), MalformedAnswerError),
    "overloaded": (OPENAI, completion(finish="insufficient_system_resource"), MalformedAnswerError),
    "end of a wrong type": (OPENAI, completion(finish=["stop"]), MalformedAnswerError),
    "no choices": (OPENAI, completion(choices=[]), MalformedAnswerError),
    "two choices": (OPENAI, completion(choices=completion()["choices"] * 2), MalformedAnswerError),
    "choices of a wrong type": (OPENAI, completion(choices={"0": 1}), MalformedAnswerError),
    "choice of a wrong type": (OPENAI, completion(choices=["x"]), MalformedAnswerError),
    "no message": (OPENAI, completion(choices=[{"finish_reason": "stop"}]), MalformedAnswerError),
    "null content": (OPENAI, completion(None), MalformedAnswerError),
    "content in parts": (OPENAI, completion([{"type": "text", "text": "{}"}]), MalformedAnswerError),
    "prose": (OPENAI, completion("I approve."), MalformedAnswerError),
    "prose before JSON": (OPENAI, completion('Sure: {"score": 1}'), MalformedAnswerError),
    "a list": (OPENAI, completion("[1]"), MalformedAnswerError),
    "a number": (OPENAI, completion("1"), MalformedAnswerError),
    "NaN": (OPENAI, completion('{"score": NaN}'), MalformedAnswerError),
    "a score twice": (OPENAI, completion('{"score": 0, "score": 1}'), MalformedAnswerError),
    "deep": (OPENAI, completion('{"a":' + "[" * 40 + "]" * 40 + "}"), MalformedAnswerError),
    "lone surrogate": (OPENAI, completion('{"a": "\ud800"}'), MalformedAnswerError),
    "model of a wrong type": (OPENAI, completion(model=7), MalformedAnswerError),
    "model with control characters": (OPENAI, completion(model="a\x1b"), MalformedAnswerError),
    "very long model": (OPENAI, completion(model="a" * 201), MalformedAnswerError),
    "usage of a wrong type": (OPENAI, completion(usage=[]), MalformedAnswerError),
    "details of a wrong type": (
        OPENAI,
        completion(usage={"prompt_tokens": 1, "prompt_tokens_details": [1]}),
        MalformedAnswerError,
    ),
    "refusal": (ANTHROPIC, message({}, "refusal"), RefusedError),
    "max_tokens": (ANTHROPIC, message({"score": 1}, "max_tokens"), CutShortError),
    "context full": (ANTHROPIC, message({}, "model_context_window_exceeded"), CutShortError),
    "pause": (ANTHROPIC, message({}, "pause_turn"), MalformedAnswerError),
    "no stop": (ANTHROPIC, message({}, None), MalformedAnswerError),
    "prose, not the tool": (
        ANTHROPIC,
        message({}, "end_turn", content=[{"type": "text", "text": '{"score": 1}'}]),
        MalformedAnswerError,
    ),
    "no content": (ANTHROPIC, message({}, content=[]), MalformedAnswerError),
    "another tool": (
        ANTHROPIC,
        message({}, content=[{"type": "tool_use", "name": "approve", "input": {}}]),
        MalformedAnswerError,
    ),
    "the tool twice": (ANTHROPIC, message({}, content=message({})["content"] * 2), MalformedAnswerError),
    "input as text": (ANTHROPIC, message('{"score": 1}'), MalformedAnswerError),
    "content of a wrong type": (ANTHROPIC, message({}, content="x"), MalformedAnswerError),
    "blocks of a wrong type": (ANTHROPIC, message({}, content=["x"]), MalformedAnswerError),
    "negative usage": (ANTHROPIC, message({}, usage={"input_tokens": -5}), MalformedAnswerError),
}


@pytest.mark.parametrize(("protocol", "answer", "kind"), ENDS.values(), ids=ENDS)
def test_an_answer_that_is_none_is_an_error_of_its_kind(
    protocol: Dialect, answer: dict[str, Any], kind: type[ProviderError]
) -> None:
    assert type(read(protocol, answer).value) is kind


def test_a_refusal_in_words_is_a_refusal() -> None:
    answer = completion(None)
    answer["choices"][0]["message"]["refusal"] = "I will not."
    assert type(read(OPENAI, answer).value) is RefusedError


def test_an_answer_that_was_cut_off_still_tells_what_it_took() -> None:
    assert read(OPENAI, completion(finish="length")).tokens == Tokens(input=100, output=10)
    assert read(ANTHROPIC, message({}, "max_tokens")).tokens == Tokens(input=100, output=10)


@given(answer=st.dictionaries(st.sampled_from(["choices", "usage", "model", "content", "stop_reason"]), JSON))
def test_no_json_crashes_a_protocol(answer: dict[str, Any]) -> None:
    for protocol in BOTH.values():
        assert isinstance(read(protocol, answer).value, ProviderError)


@given(value=JSON)
def test_no_json_in_the_place_of_a_choice_or_block_crashes_a_protocol(value: Any) -> None:  # noqa: ANN401 - JSON
    assert isinstance(read(OPENAI, completion(choices=[value])).value, ProviderError)
    assert isinstance(
        read(OPENAI, completion(choices=[{"message": value, "finish_reason": "stop"}])).value, ProviderError
    )
    assert isinstance(read(ANTHROPIC, message({}, content=[value])).value, ProviderError)


TEXTS = {
    "only JSON": '{"score": 1}',
    "white space": '\n {"score": 1}\n',
    "fence": '```json\n{"score": 1}\n```',
    "fence without a language": '```\n{"score": 1}\n```',
    "words around": 'Here it is:\n{"score": 1}\nDone.',
    "thoughts before": '<think>It says {"score": 0}.</think>\n{"score": 1}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_one_object_in_a_text_is_found(text: str) -> None:
    assert extract(text) == {"score": 1}


NO_ANSWERS = {
    "nothing": "",
    "prose": "I approve.",
    "two objects": 'The skill says {"score": 1}, but I say {"score": 0}',
    "an object and a brace": '{"score": 1} }',
    "cut off": '{"score": 1',
    "backwards": "} {",
    "thoughts without end": '<think>{"score": 1} or {"score": 0}',
    "comment": '{"score": 1 /* as asked */}',
}


@pytest.mark.parametrize("text", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_a_text_without_exactly_one_object_is_malformed(text: str) -> None:
    with pytest.raises(MalformedAnswerError):
        extract(text)


@given(st.text())
def test_no_text_crashes_the_search(text: str) -> None:
    with contextlib.suppress(MalformedAnswerError):
        assert isinstance(extract("{" + text), dict)


def test_text_is_read_as_text_where_that_is_configured() -> None:
    words = completion('Well: {"score": 1}')
    assert read(OpenAI(model="small", structure=openai.Structure.TEXT), words).value == {"score": 1}
    block = {"type": "text", "text": 'Well: {"score": 1}'}
    answer = message({}, "end_turn", content=[{"type": "thinking", "thinking": "{}"}, block])
    text = anthropic.Anthropic(model="small", structure=anthropic.Structure.TEXT)
    assert read(text, answer).value == {"score": 1}
    assert isinstance(read(text, message({}, "end_turn", content=[block, block])).value, MalformedAnswerError)
    schema = anthropic.Anthropic(model="small", structure=anthropic.Structure.JSON_SCHEMA)
    assert isinstance(read(schema, answer).value, MalformedAnswerError)


SECRET = Secret("sk-abcdefghijklmnop")


def test_a_secret_is_not_shown() -> None:
    assert "abcdef" not in f"{SECRET} {SECRET!r} {[SECRET]} {SECRET!s}"
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)


def test_a_secret_is_masked_also_in_parts() -> None:
    assert SECRET.mask("key sk-abcdefg and klmnop and op") == "key ********** and ****** and op"
    assert Secret("x").mask("x marks") == "* marks"
    assert SECRET.mask("") == ""


def test_a_short_word_as_key_may_occur_in_an_answer() -> None:
    assert not Secret("ollama").is_in(b"ollama")
    assert SECRET.is_in(b'{"a": "sk-abcdefghijklmnop"}')


@pytest.mark.parametrize(
    "value",
    ["", " \n", "two words", "line\nfeed", "k\u00e9y", "a" * 5000, "nul\0"],
    ids=["empty", "blank", "two", "lines", "accent", "long", "nul"],
)
def test_what_cannot_be_a_key_is_told_without_quoting_it(value: str) -> None:
    with pytest.raises(MissingError, match="the environment variable MODEL_KEY") as caught:
        read_variable("MODEL_KEY", {"MODEL_KEY": value})
    assert not value.strip() or value not in str(caught.value)


def test_a_variable_that_is_not_set_is_told() -> None:
    with pytest.raises(MissingError, match="MODEL_KEY is not set"):
        read_variable("MODEL_KEY", {})


def test_a_key_is_read_from_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text("sk-abc\n", encoding="ascii")
    assert read_key_file(path).reveal() == "sk-abc"


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666, 0o644])
def test_a_key_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_text("sk-abcdef", encoding="ascii")
    path.chmod(mode)
    with pytest.raises(MissingError, match="chmod 600") as caught:
        read_key_file(path)
    assert "abcdef" not in str(caught.value)


def test_a_key_file_that_is_missing_a_folder_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").touch(mode=0o600)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        with pytest.raises(MissingError, match="the key file"):
            read_key_file(path)
