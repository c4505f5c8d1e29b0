"""A server of language models on loopback that does whatever a test tells it to, and remembers what it was asked."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import Factory, define, frozen

from haldir_reviewer.budget import Budget
from haldir_reviewer.configuration import Provider, read_configuration
from haldir_reviewer.model import ProviderError, Reply, Request
from haldir_reviewer.panels import Means, Surroundings, open_panel

KEY = "key-0123456789-abcdefghij"
REQUEST = Request(system="Judge.", user="data", name="review", schema={"type": "object"}, max_output_tokens=100)
PATIENT = {"try_seconds": 30, "deadline_seconds": 60, "tries": 3}
"""So that a busy machine is no failure; a test that waits for the end of a try sets another one."""

Script = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is sent for one request: bytes, or a function that has the connection to itself."""


@frozen
class Seen:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


@define
class ModelServer:
    """Plays one script for each request, the last one again and again."""

    scripts: Sequence[Script]
    seen: list[Seen] = Factory(list)
    at_once: int = 0
    most_at_once: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        assert self._server is not None
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.seen.append(await _read(reader))
            script = self.scripts[min(len(self.seen), len(self.scripts)) - 1]
            if isinstance(script, bytes):
                writer.write(script)
                await writer.drain()
            else:
                await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Seen(first.split()[1], headers, json.loads(body))


def http(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    """Return a whole HTTP answer; underscores in the names of headers stand for hyphens."""
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body


def json_answer(value: object) -> bytes:
    """Return an answer with status 200 and a JSON body."""
    return http(200, json.dumps(value).encode())


def completion(content: object = '{"score": 1}', finish: object = "stop", **others: object) -> dict[str, Any]:
    """Return a chat completion as OpenAI has it."""
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return {
        "id": "1",
        "model": "small-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
        **others,
    }


def message(value: object, stop: object = "tool_use", **others: object) -> dict[str, Any]:
    """Return a message as Anthropic has it, in which the tool ``review`` is called."""
    return {
        "id": "1",
        "model": "small-2",
        "content": [{"type": "tool_use", "id": "2", "name": "review", "input": value}],
        "stop_reason": stop,
        "usage": {"input_tokens": 100, "output_tokens": 10},
        **others,
    }


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing until the other side goes."""
    await reader.read()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection off as a crash does."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


GOOD = json_answer(completion())


@define
class Clock:
    """Time that passes only while somebody sleeps."""

    seconds: float = 0.0
    slept: list[float] = Factory(list)
    drawn: float = 1.0

    def surroundings(self) -> Surroundings:
        """Return this as what a transport is given."""
        return Surroundings(
            now=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
            sleep=self.sleep,
            draw=lambda: self.drawn,
        )

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.seconds += seconds


@frozen
class Result:
    """What became of a question, and how often it was asked."""

    outcome: Reply | ProviderError
    server: ModelServer
    clock: Clock
    spent: int


def provider(url: str, kind: str = "openai", **settings: object) -> Provider:
    """Return a provider at ``url`` that is configured by ``settings``."""
    table = {
        "kind": kind,
        "model": "small",
        "base_url": url,
        "key_env": "MODEL_KEY",
        "prices": {"input": 1, "output": 2, "cache_write": 1},
        **PATIENT,
        **settings,
    }
    return read_configuration({"providers": {"first": table}}, folder=Path()).panel[0]


def means(clock: Clock) -> Means:
    """Return the key, the clock, and names that are numbers."""
    names = iter(str(number) for number in range(100))
    return Means(
        environment={"MODEL_KEY": KEY},
        surroundings=clock.surroundings(),
        name_one=lambda: next(names),
        budget=Budget(),
    )


def ask(*scripts: Script, kind: str = "openai", clock: Clock | None = None, **settings: object) -> Result:
    """Ask a model behind a server that plays ``scripts``."""
    clock = clock or Clock()

    async def run() -> Result:
        async with ModelServer(scripts) as server:
            panel = open_panel((provider(server.url, kind, **settings),), means(clock))
            outcome: Reply | ProviderError
            try:
                outcome = await panel.models[0].ask(REQUEST)
            except ProviderError as error:
                outcome = error
            return Result(outcome, server, clock, panel.purse.spent_micros)

    return asyncio.run(run())
