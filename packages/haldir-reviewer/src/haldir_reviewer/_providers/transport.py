"""One POST of JSON to a provider over TLS, sent again where that may help, with a limit on everything."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import aiohttp
from attrs import Factory, define, field, frozen

from haldir_core.canonical import canonical_bytes, parse_object
from haldir_core.errors import MalformedError
from haldir_reviewer._providers.interface import Answer, Call, NoAnswer, Surroundings
from haldir_reviewer._providers.retrying import Patience, asked_pause, is_passing, pause
from haldir_reviewer._providers.secret import MissingError, Secret
from haldir_reviewer.model import MalformedAnswerError, RejectedRequestError, UnavailableError

_STATUS_OK = 200
_PIECE_BYTES = 64 * 1024
_CONNECT_SECONDS = 15.0
_SHORTEST_SECONDS = 0.001
_QUOTED_CHARACTERS = 200
_ERROR_BYTES = 64 * 1024
_HINTS = {
    400: "the form of the request or the name of the model is wrong",
    401: "check the key",
    403: "check what the key may do",
    404: "check base_url and the name of the model",
    413: "lower max_input_characters",
    422: "the form of the request is wrong",
}


@frozen(kw_only=True)
class Server:
    """Where the requests go.

    ``headers`` holds no key; ``key_header`` is the name of the header that does, and what stands before the key in it.
    """

    base_url: str
    headers: Mapping[str, str] = field(factory=dict)
    key: Secret | None = None
    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    tls: ssl.SSLContext | Literal[True] = True


@frozen
class _Failure:
    """A try that may be repeated; ``is_lost`` if it may be billed all the same."""

    reason: str
    asked_for: float | None = None
    is_lost: bool = False


@define
class HttpTransport:
    """Sends calls to one server.

    A session lives for one call: answers take seconds, and what is not kept open is not left open.
    """

    _server: Server
    _patience: Patience
    _surroundings: Surroundings
    _places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = Factory(WeakKeyDictionary)

    async def post(self, call: Call) -> Answer | NoAnswer:
        """Send ``call`` until there is an answer, a refusal, or no time or try left."""
        place = self._places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._patience.concurrency))
        async with place:
            return await self._persist(self._server.base_url + call.path, canonical_bytes(call.body))

    async def _persist(self, url: str, data: bytes) -> Answer | NoAnswer:
        failures = lost = 0
        deadline = self._surroundings.monotonic() + self._patience.deadline_seconds
        while True:
            left = deadline - self._surroundings.monotonic()
            outcome = await self._once(url, data, min(left, self._patience.try_seconds))
            if isinstance(outcome, bytes):
                return Answer(outcome, lost)
            if isinstance(outcome, NoAnswer):
                return NoAnswer(outcome.error, lost + outcome.lost)
            failures, lost = failures + 1, lost + outcome.is_lost
            wait = pause(self._patience, failures, self._surroundings.draw(), outcome.asked_for)
            if failures == self._patience.tries or self._surroundings.monotonic() + wait >= deadline:
                return NoAnswer(UnavailableError(_gave_up(outcome, failures, wait)), lost)
            await self._surroundings.sleep(wait)

    async def _once(self, url: str, data: bytes, seconds: float) -> "bytes | NoAnswer | _Failure":
        seconds = max(seconds, _SHORTEST_SECONDS)
        try:
            return await self._exchange(url, data, seconds)
        except (TimeoutError, aiohttp.ClientError) as error:
            return _broken(error, seconds)

    async def _exchange(self, url: str, data: bytes, seconds: float) -> "bytes | NoAnswer | _Failure":
        async with (
            aiohttp.ClientSession(
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS),
                connector=aiohttp.TCPConnector(ssl=self._server.tls),
            ) as session,
            session.post(url, data=data, headers=self._headers(), allow_redirects=False) as response,
        ):
            if response.status == _STATUS_OK:
                return await self._take(response)
            return await self._refusal(response)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what unpacks to more than the limit never gets here
            "User-Agent": "haldir-reviewer",
            **self._server.headers,
            "Content-Type": "application/json",
        }
        if self._server.key is not None:
            name, before = self._server.key_header
            headers[name] = before + self._server.key.reveal()
        return headers

    async def _take(self, response: aiohttp.ClientResponse) -> bytes | NoAnswer:
        """Return the body of an answer that says it is JSON."""
        kind = response.content_type
        if kind != "application/json" and not kind.endswith("+json"):
            return _billed(f"the answer is {kind:.100}, not JSON: check base_url")
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            return _billed("the answer is compressed, although that was not asked for")
        most = self._patience.max_answer_bytes
        body = await _read(response, most)
        if len(body) > most:
            return _billed(f"the answer is larger than {most} bytes")
        if self._server.key is not None and self._server.key.is_in(body):
            return _billed("the answer repeats the key")
        return body

    async def _refusal(self, response: aiohttp.ClientResponse) -> NoAnswer | _Failure:
        """Return what a status other than 200 means."""
        status = response.status
        if is_passing(status):
            asked_for = asked_pause(response.headers, self._surroundings.now())
            return _Failure(f"status {status}{await self._quoted(response)}", asked_for)
        if 300 <= status <= 399:
            return NoAnswer(
                RejectedRequestError(f"status {status}: redirects are not followed; set the right base_url")
            )
        if 400 <= status <= 499:
            hint = f"; {_HINTS[status]}" if status in _HINTS else ""
            return NoAnswer(RejectedRequestError(f"status {status}{await self._quoted(response)}{hint}"))
        return _billed(f"status {status}, which no answer has")

    async def _quoted(self, response: aiohttp.ClientResponse) -> str:
        """Return what the provider says is wrong, in quotes after a colon; nothing if it does not say it as JSON."""
        try:
            document = parse_object((await _read(response, _ERROR_BYTES))[:_ERROR_BYTES], "the error")
        except (MalformedError, aiohttp.ClientError):
            return ""
        error = document.get("error")
        text = error.get("message") if isinstance(error, Mapping) else error or document.get("message")
        if not isinstance(text, str):
            return ""
        shown = text if self._server.key is None else self._server.key.mask(text[: 2 * _QUOTED_CHARACTERS])
        return f": {shown[:_QUOTED_CHARACTERS]!a}"


def read_certificates(path: Path) -> ssl.SSLContext:
    """Return TLS that trusts the certificates in a file, and no others.

    Raises: MissingError if there are none.
    """
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        raise MissingError(f"cannot read the certificates in {path}: {error.strerror or error}") from error


def _broken(error: TimeoutError | aiohttp.ClientError, seconds: float) -> NoAnswer | _Failure:
    """Return what it means that there was no answer at all, or half of one."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return _Failure("cannot connect (no answer)")
        case aiohttp.ClientConnectorCertificateError():
            reason = f"its certificate is not trusted ({error.certificate_error}); see ca_file"
            return NoAnswer(UnavailableError(reason))
        case aiohttp.ClientConnectorError():
            return _Failure(f"cannot connect ({error.strerror or type(error.os_error).__name__})")
        case TimeoutError():
            return _Failure(f"no answer within {seconds:.1f} seconds", is_lost=True)
        case _:
            return _Failure(f"the connection or the answer broke off ({type(error).__name__})", is_lost=True)


def _gave_up(failure: _Failure, tries: int, wait: float) -> str:
    asked = f"; it asks to wait {wait:.0f} seconds" if failure.asked_for and wait >= 1 else ""
    return f"{failure.reason}, after {tries} {'try' if tries == 1 else 'tries'}{asked}"


def _billed(reason: str) -> NoAnswer:
    return NoAnswer(MalformedAnswerError(reason), lost=1)


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body, or a little more than ``most`` bytes of one that is larger."""
    body = bytearray()
    async for piece in response.content.iter_chunked(_PIECE_BYTES):
        body += piece
        if len(body) > most:
            response.close()
            break
    return bytes(body)
