"""Requests for JSON to one service, with limits on time, size and repetitions."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from attrs import frozen

from haldir_auditor.vulnerabilities._online.addresses import Base
from haldir_auditor.vulnerabilities._online.waiting import Settings, wait_before

_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_ACCEPT = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "haldir-auditor"}
_CHUNK_BYTES = 64 * 1024


class FailedError(Exception):
    """A request got no answer that can be used; the message says why."""


class _PassingError(FailedError):
    """The same, and another time may do better; ``retry_after`` is what the service says."""

    def __init__(self, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@frozen
class Request:
    """What is asked: with a ``body`` by POST, else by GET."""

    path: str
    body: object = None
    max_bytes: int = 0
    query: Mapping[str, str] | None = None


class Transport:
    """A connection to one service, for the time of one look-up.

    No redirect is followed, no cookie kept, no proxy or password taken from the environment, no compressed answer
    unpacked.
    """

    def __init__(self, base: Base, settings: Settings, headers: Mapping[str, str] | None = None) -> None:
        """Take the address of the service; ``headers`` go with every request, and into no message."""
        self._base = base
        self._settings = settings
        self._headers = {**_ACCEPT, **(headers or {})}
        self._ends = 0.0
        self._places = asyncio.Semaphore(settings.concurrency)

    async def __aenter__(self) -> Self:
        """Start the clock of the whole look-up."""
        self._ends = asyncio.get_running_loop().time() + self._settings.deadline_seconds
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            requote_redirect_url=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._session.close()

    @property
    def host(self) -> str:
        """The service, as messages name it."""
        return self._base.authority

    async def ask(self, request: Request) -> object:
        """Return the JSON value that the service answers.

        Raises:
            FailedError: if it answers none, also not after repetitions, within the time that is left.
        """
        async with self._places:
            for attempt in range(1, self._settings.attempts + 1):
                try:
                    return await self._try(request)
                except _PassingError as error:
                    if attempt == self._settings.attempts:
                        raise FailedError(f"{error} ({attempt} attempts)") from error
                    await self._wait(attempt, error)
        raise FailedError(f"{self.host} was not asked")

    async def _wait(self, attempt: int, error: _PassingError) -> None:
        seconds = wait_before(attempt, error.retry_after, self._settings)
        if seconds >= self._left():
            raise FailedError(f"{error}; to wait {seconds:.0f} s more would take too long") from error
        await self._settings.sleep(seconds)

    def _left(self) -> float:
        return self._ends - asyncio.get_running_loop().time()

    async def _try(self, request: Request) -> object:
        seconds = min(self._settings.request_seconds, self._left())
        if seconds <= 0:
            raise FailedError(f"{self.host} did not answer within {self._settings.deadline_seconds:g} s in all")
        try:
            async with asyncio.timeout(seconds):
                data = await self._exchange(request)
        except TimeoutError as error:
            raise _PassingError(f"{self.host} did not answer within {seconds:.1f} s") from error
        except aiohttp.ClientSSLError as error:
            raise FailedError(f"the certificate of {self.host} is not one that is trusted: {_words(error)}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _PassingError(f"{self.host} cannot be reached: {_words(error)}") from error
        except ValueError as error:  # aiohttp's word for headers and addresses that cannot be sent
            raise FailedError(f"{self.host} cannot be asked: {_words(error)}") from error
        return self._parse(data)

    async def _exchange(self, request: Request) -> bytes:
        method = "GET" if request.body is None else "POST"
        body = None if request.body is None else json.dumps(request.body, separators=(",", ":")).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        async with self._session.request(
            method,
            self._base.url + request.path,
            params=request.query,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            self._check(response)
            return await self._read(response, request.max_bytes or self._settings.max_answer_bytes)

    def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status in _MAY_PASS:
            raise _PassingError(f"{self.host} answered {response.status}", response.headers.get("Retry-After"))
        if 300 <= response.status < 400:
            raise FailedError(
                f"{self.host} sends us elsewhere ({response.status}): name the address where it really is"
            )
        if response.status != 200:
            raise FailedError(f"{self.host} answered {response.status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FailedError(f"{self.host} compressed its answer, which was not asked for")

    async def _read(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            data += chunk
            if len(data) > most:
                raise FailedError(f"{self.host} answered with more than {most} bytes")
        return bytes(data)

    def _parse(self, data: bytes) -> object:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _PassingError(f"{self.host} answered with something that is no JSON") from error


def _words(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
