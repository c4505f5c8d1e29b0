"""What stands between a protocol and the way to its server: calls, answers and readings."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from attrs import frozen

from haldir_core.canonical import JsonObject as Document
from haldir_reviewer.costs import Tokens
from haldir_reviewer.model import JsonObject, ProviderError, Request


@frozen
class Call:
    """A question as it is sent: the path below the base URL, and the JSON body.  It holds no key."""

    path: str
    body: Document


@frozen
class Answer:
    """The body of an answer with status 200.

    ``lost`` counts the tries before it that may have been billed, because they broke off after they were sent.
    """

    body: bytes
    lost: int = 0


@frozen
class NoAnswer:
    """There was no answer with status 200 that could be taken; ``lost`` as in `Answer`."""

    error: ProviderError
    lost: int = 0


class Transport(Protocol):
    """The way to a server, or to what was recorded of one."""

    async def post(self, call: Call) -> Answer | NoAnswer:
        """Send ``call``, again where that may help, and return what came of it."""
        ...


@frozen
class Reading:
    """What an answer says: the value, or why there is none; which model gave it; what it took, if it tells."""

    value: JsonObject | ProviderError
    model: str | None = None
    tokens: Tokens | None = None


class Dialect(Protocol):
    """One protocol of asking language models."""

    def key_header(self) -> tuple[str, str]:
        """Return the name of the header that carries the key, and what stands before the key in it."""
        ...

    def fixed_headers(self) -> Mapping[str, str]:
        """Return the headers that the protocol itself demands."""
        ...

    def call(self, request: Request) -> Call:
        """Return the question as it is sent."""
        ...

    def read(self, answer: Document, request: Request) -> Reading:
        """Return what an answer says.

        Raises: MalformedAnswerError if it is not built as the protocol says.
        """
        ...


@frozen
class Surroundings:
    """Time and chance, as arguments.

    ``now`` tells the date and time in UTC, ``monotonic`` seconds that only grow, ``draw`` a number from 0 to 1.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    draw: Callable[[], float]
