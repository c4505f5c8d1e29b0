"""A model of a provider: the protocol, the way to the server, and the money, put together."""

from attrs import define, frozen

from haldir_core.canonical import JsonObject, canonical_bytes
from haldir_core.errors import MalformedError
from haldir_reviewer._providers.fields import parse_answer
from haldir_reviewer._providers.interface import Answer, Call, Dialect, Reading, Transport
from haldir_reviewer.budget import Purse
from haldir_reviewer.costs import Prices, Tokens, estimate
from haldir_reviewer.model import (
    BudgetError,
    MalformedAnswerError,
    ProviderError,
    RejectedRequestError,
    Reply,
    Request,
    Usage,
)


@frozen(kw_only=True)
class Offer:
    """What is configured of one model, apart from how it is reached."""

    name: str
    model: str
    prices: Prices | None = None
    max_input_characters: int = 200_000
    max_answer_bytes: int = 2 * 1024 * 1024


@define
class ConnectedModel:
    """One model of one provider, which can be asked."""

    offer: Offer
    _protocol: Dialect
    _transport: Transport
    _purse: Purse

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self.offer.name

    @property
    def max_input_characters(self) -> int:
        """The most characters of instructions and material together that are sent."""
        return self.offer.max_input_characters

    async def ask(self, request: Request) -> Reply:
        """Return the answer.

        Raises:
            ProviderError: if there is none that can be used.
        """
        try:
            return await self._ask(request)
        except BudgetError:
            raise
        except ProviderError as error:
            raise type(error)(f"provider {self.name}: {error}") from error

    async def _ask(self, request: Request) -> Reply:
        self._refuse_too_long(request)
        call = self._protocol.call(request)
        expected = estimate(_size(call), request.max_output_tokens)
        asked = self._purse.reserve(self.name, self.offer.model, expected, self.offer.prices)
        outcome = await self._transport.post(call)
        if not isinstance(outcome, Answer):
            self._purse.settle(asked, None, lost=outcome.lost)
            raise outcome.error
        reading = self._read(outcome, request)
        told = reading.tokens is not None
        cost = self._purse.settle(asked, reading.tokens, lost=outcome.lost + (not told))
        if isinstance(reading.value, ProviderError):
            raise reading.value
        return Reply(reading.value, reading.model or self.offer.model, _usage(reading.tokens or expected, cost))

    def _refuse_too_long(self, request: Request) -> None:
        length, most = len(request.system) + len(request.user), self.offer.max_input_characters
        if length > most:
            raise RejectedRequestError(f"the question has {length} characters, max_input_characters allows {most}")

    def _read(self, answer: Answer, request: Request) -> Reading:
        try:
            return self._protocol.read(self._parse(answer.body), request)
        except MalformedAnswerError as error:
            return Reading(error)

    def _parse(self, body: bytes) -> JsonObject:
        return parse_answer(body, max_bytes=self.offer.max_answer_bytes)


def _size(call: Call) -> int:
    try:
        return len(canonical_bytes(call.body))
    except MalformedError as error:
        raise RejectedRequestError(f"the request cannot be written as JSON: {error.reason}") from error


def _usage(tokens: Tokens, cost: int) -> Usage:
    return Usage(input_tokens=tokens.input, output_tokens=tokens.output, cached_tokens=tokens.cached, cost_micros=cost)
