"""The protocol of Anthropic's messages."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_reviewer._providers.fields import as_count, as_list, as_model, as_object, as_text, parse_text
from haldir_reviewer._providers.interface import Call, Reading
from haldir_reviewer._providers.openai import extract, plain, with_schema
from haldir_reviewer.costs import Tokens
from haldir_reviewer.model import CutShortError, MalformedAnswerError, ProviderError, RefusedError, Request

VERSION = "2023-06-01"
"""The version of the protocol, sent with each request."""

_FINISHED = ("tool_use", "end_turn", "stop_sequence")
_CUT_SHORT = ("max_tokens", "model_context_window_exceeded")


class Structure(StrEnum):
    """How the form of the answer is demanded."""

    TOOL = "tool"
    """The model must call a tool whose input has the schema."""
    JSON_SCHEMA = "json_schema"
    """The server holds the model's text to the schema."""
    TEXT = "text"
    """The prompt has the schema, and the one JSON object is looked for in the text."""


@frozen(kw_only=True)
class Anthropic:
    """How one model is asked; ``omit`` and ``parameters`` as in `OpenAI`.  The protocol knows no seed."""

    model: str
    structure: Structure = Structure.TOOL
    caches_prompts: bool = True
    omit: frozenset[str] = frozenset()
    parameters: JsonObject = field(factory=dict)

    def key_header(self) -> tuple[str, str]:
        """Return where the key goes."""
        return "x-api-key", ""

    def fixed_headers(self) -> Mapping[str, str]:
        """Return the version of the protocol."""
        return {"anthropic-version": VERSION}

    def call(self, request: Request) -> Call:
        """Return the question; the server is asked to keep the instructions, and the tool before them, in its cache."""
        system: JsonObject = {"type": "text", "text": self._system(request)}
        if self.caches_prompts:
            system["cache_control"] = {"type": "ephemeral"}
        body: JsonObject = {
            "model": self.model,
            "max_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "system": [system],
            "messages": [{"role": "user", "content": [{"type": "text", "text": request.user}]}],
            **self._form(request),
        }
        kept = {name: value for name, value in body.items() if name not in self.omit}
        return Call("/v1/messages", {**self.parameters, **kept})

    def read(self, answer: JsonObject, request: Request) -> Reading:
        """Return what an answer says.

        Raises: MalformedAnswerError if it is no message.
        """
        model, tokens = as_model(answer.get("model")), _tokens(answer.get("usage"))
        try:
            return Reading(self._value(answer, request), model, tokens)
        except ProviderError as error:
            return Reading(error, model, tokens)

    def _system(self, request: Request) -> str:
        return with_schema(request.system, request.schema) if self.structure is Structure.TEXT else request.system

    def _form(self, request: Request) -> JsonObject:
        """Return the members of the body that demand the form of the answer."""
        schema = plain(request.schema)
        if self.structure is Structure.TOOL:
            tool: JsonObject = {"name": request.name, "description": "Give the answer.", "input_schema": schema}
            choice: JsonObject = {"type": "tool", "name": request.name, "disable_parallel_tool_use": True}
            return {"tools": [tool], "tool_choice": choice}
        if self.structure is Structure.JSON_SCHEMA:
            return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
        return {}

    def _value(self, answer: JsonObject, request: Request) -> JsonObject:
        _refuse_unfinished(answer.get("stop_reason"))
        blocks = [as_object(block, "content[]") for block in as_list(answer.get("content"), "content")]
        if self.structure is Structure.TOOL:
            return _tool_input(blocks, request.name)
        texts = [as_text(block.get("text"), "content[].text") for block in blocks if block.get("type") == "text"]
        if len(texts) != 1:
            raise MalformedAnswerError(f"there are {len(texts)} texts in the answer, and not one")
        return extract(texts[0]) if self.structure is Structure.TEXT else parse_text(texts[0], "the model's text")


def _refuse_unfinished(reason: JsonValue) -> None:
    """Return if the model has finished.

    Raises: RefusedError, CutShortError or MalformedAnswerError otherwise.
    """
    if reason == "refusal":
        raise RefusedError("the model refused to answer")
    if reason in _CUT_SHORT:
        raise CutShortError("the answer was cut off at the limit of its length")
    if reason not in _FINISHED:
        raise MalformedAnswerError("the answer ended for a reason that is no end (stop_reason)")


def _tool_input(blocks: list[Mapping[str, JsonValue]], name: str) -> JsonObject:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    if len(uses) != 1 or uses[0].get("name") != name:
        raise MalformedAnswerError(f"the model did not call the tool {name} once, as it had to")
    return dict(as_object(uses[0].get("input"), "the input of the tool"))


def _tokens(value: JsonValue) -> Tokens | None:
    """Return what was used; the protocol counts what the cache took and gave apart from the input."""
    if value is None:
        return None
    usage = as_object(value, "usage")
    fresh = as_count(usage.get("input_tokens"), "usage.input_tokens")
    written = as_count(usage.get("cache_creation_input_tokens"), "usage.cache_creation_input_tokens")
    cached = as_count(usage.get("cache_read_input_tokens"), "usage.cache_read_input_tokens")
    output = as_count(usage.get("output_tokens"), "usage.output_tokens")
    return Tokens(input=fresh + written + cached, output=output, cached=cached, written=written)
