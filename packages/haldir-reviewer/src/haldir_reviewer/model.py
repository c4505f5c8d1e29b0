"""The one interface of all language models, with its records and errors."""

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

JsonObject = Mapping[str, object]


@frozen
class Request:
    """One question to a model, complete in itself: no conversation.

    ``system`` holds all instructions (the same for every skill, so that a provider can cache it); ``user`` the marked
    material; ``schema`` the JSON Schema of the answer, and ``name`` its name.
    """

    system: str
    user: str
    name: str
    schema: JsonObject
    max_output_tokens: int = 2000
    temperature: float = 0.0
    seed: int | None = None


@frozen
class Usage:
    """What an answer took, in tokens, and what it cost by the configured prices, in millionths of the currency."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_micros: int = 0


@frozen
class Reply:
    """The answer of a model: ``value`` is JSON that came where the schema was asked for, otherwise unchecked."""

    value: JsonObject
    model: str
    usage: Usage = field(factory=Usage)


class Model(Protocol):
    """One model of one provider."""

    @property
    def name(self) -> str:
        """The name under which it is configured; two models of one name are one model."""
        ...

    async def ask(self, request: Request) -> Reply:
        """Return the answer.

        Raises:
            ProviderError: if there is none that can be used.
        """
        ...


class ProviderError(Exception):
    """A model gave no usable answer; the message names the provider and holds no secret."""


class RefusedError(ProviderError):
    """The model refused to answer."""


class CutShortError(ProviderError):
    """The answer stopped at the limit of its length."""


class MalformedAnswerError(ProviderError):
    """The answer was no JSON, not where it belongs, or larger than allowed."""


class UnavailableError(ProviderError):
    """The provider could not be reached, or said no until the deadline."""


class RejectedRequestError(ProviderError):
    """The provider refused the request itself: key, model name or form."""


class BudgetError(ProviderError):
    """The budget does not allow the request."""
