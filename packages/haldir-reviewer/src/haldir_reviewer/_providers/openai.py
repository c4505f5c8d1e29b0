"""The protocol of OpenAI's chat completions, which most servers of language models speak."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_reviewer._providers.fields import as_count, as_list, as_model, as_object, as_text, parse_text
from haldir_reviewer._providers.interface import Call, Reading
from haldir_reviewer.costs import Tokens
from haldir_reviewer.model import CutShortError, MalformedAnswerError, ProviderError, RefusedError, Request
from haldir_reviewer.model import JsonObject as Schema

_FINISHED = ("stop", "eos_token", "end_turn")
"""Text Generation Inference says ``eos_token``, some gateways pass on ``end_turn``."""

_FENCED = re.compile(r"\A```(?:json)?\s*\n(.*)\n\s*```\Z", re.DOTALL)
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


class Structure(StrEnum):
    """How the form of the answer is demanded."""

    JSON_SCHEMA = "json_schema"
    """The server holds the model to the schema."""
    JSON_OBJECT = "json_object"
    """The server holds the model to JSON; the prompt has the schema."""
    TEXT = "text"
    """The prompt has the schema, and the one JSON object is looked for in the text."""


@frozen(kw_only=True)
class OpenAI:
    """How one model is asked.

    ``omit`` are members of the body that this server does not know (``temperature``, ``seed``); ``parameters`` are
    members that it needs beside ours.
    """

    model: str
    structure: Structure = Structure.JSON_SCHEMA
    length_field: str = "max_tokens"
    omit: frozenset[str] = frozenset()
    parameters: JsonObject = field(factory=dict)

    def key_header(self) -> tuple[str, str]:
        """Return where the key goes."""
        return "Authorization", "Bearer "

    def fixed_headers(self) -> Mapping[str, str]:
        """Return no headers."""
        return {}

    def call(self, request: Request) -> Call:
        """Return the question; instructions come first, so that servers can keep their beginning in a cache."""
        body: JsonObject = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": self._system(request)},
                {"role": "user", "content": request.user},
            ],
            self.length_field: request.max_output_tokens,
            "temperature": request.temperature,
        }
        if request.seed is not None:
            body["seed"] = request.seed
        response_format = self._response_format(request)
        if response_format is not None:
            body["response_format"] = response_format
        kept = {name: value for name, value in body.items() if name not in self.omit}
        return Call("/chat/completions", {**self.parameters, **kept})

    def read(self, answer: JsonObject, request: Request) -> Reading:  # noqa: ARG002 - others need it
        """Return what an answer says.

        Raises: MalformedAnswerError if it is no chat completion.
        """
        model, tokens = as_model(answer.get("model")), _tokens(answer.get("usage"))
        try:
            return Reading(self._value(answer), model, tokens)
        except ProviderError as error:
            return Reading(error, model, tokens)

    def _system(self, request: Request) -> str:
        if self.structure is Structure.JSON_SCHEMA:
            return request.system
        return with_schema(request.system, request.schema)

    def _response_format(self, request: Request) -> JsonObject | None:
        if self.structure is Structure.TEXT:
            return None
        if self.structure is Structure.JSON_OBJECT:
            return {"type": "json_object"}
        schema: JsonObject = {"name": request.name, "strict": True, "schema": plain(request.schema)}
        return {"type": "json_schema", "json_schema": schema}

    def _value(self, answer: JsonObject) -> JsonObject:
        choices = as_list(answer.get("choices"), "choices")
        if len(choices) != 1:
            raise MalformedAnswerError(f"there are {len(choices)} choices, and not one")
        choice = as_object(choices[0], "choices[0]")
        message = as_object(choice.get("message"), "choices[0].message")
        _refuse_unfinished(choice.get("finish_reason"), message.get("refusal"))
        content = as_text(message.get("content"), "choices[0].message.content")
        return extract(content) if self.structure is Structure.TEXT else parse_text(content, "the model's text")


def _refuse_unfinished(reason: JsonValue, refusal: JsonValue) -> None:
    """Return if the model has finished.

    Raises: RefusedError, CutShortError or MalformedAnswerError otherwise.
    """
    if refusal or reason == "content_filter":
        raise RefusedError("the model refused to answer, or a filter of the provider did")
    if reason == "length":
        raise CutShortError("the answer was cut off at the limit of its length")
    if reason not in _FINISHED:
        raise MalformedAnswerError("the answer ended for a reason that is no end (finish_reason)")


def _tokens(value: JsonValue) -> Tokens | None:
    if value is None:
        return None
    usage = as_object(value, "usage")
    sent = as_count(usage.get("prompt_tokens"), "usage.prompt_tokens")
    details = usage.get("prompt_tokens_details") or {}
    cached = max(
        as_count(as_object(details, "usage.prompt_tokens_details").get("cached_tokens"), "usage cached_tokens"),
        as_count(usage.get("prompt_cache_hit_tokens"), "usage.prompt_cache_hit_tokens"),  # DeepSeek
        as_count(usage.get("cached_tokens"), "usage.cached_tokens"),  # Moonshot
    )
    output = as_count(usage.get("completion_tokens"), "usage.completion_tokens")
    return Tokens(input=sent, output=output, cached=min(cached, sent))


def with_schema(system: str, schema: Schema) -> str:
    """Return instructions that say which form the answer has, for servers that do not see to it."""
    form = json.dumps(plain(schema), ensure_ascii=False)
    return f"{system}\n\nAnswer with one JSON object and nothing else. It must match this JSON Schema:\n{form}"


def extract(text: str) -> JsonObject:
    """Return the one JSON object in a text: after the model's thoughts, in a fence, or between words.

    Raises: MalformedAnswerError if there is none, or more than one: a quotation from the skill is no answer.
    """
    rest = _THOUGHTS.sub("", text, count=1).strip()
    fenced = _FENCED.fullmatch(rest)
    if fenced:
        rest = fenced[1]
    begin, end = rest.find("{"), rest.rfind("}")
    if begin < 0 or end < begin:
        raise MalformedAnswerError("there is no JSON object in the model's text")
    return parse_text(rest[begin : end + 1], "the JSON in the model's text")


def plain(schema: Schema) -> JsonObject:
    """Return a schema as plain dictionaries and lists, which JSON can be made of."""
    return {name: _plain(value) for name, value in schema.items()}


def _plain(value: object) -> JsonValue:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a JSON Schema holds no {type(value).__name__}")
