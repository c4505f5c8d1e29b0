"""The official MCP client over the pipes of a confined server: every tool, resource and prompt is used.

The library comes with the extra ``mcp`` and is imported on use: it takes half a second.  Only its typed requests are
used: its convenience methods compile schemas of the server, whose regular expressions may be made to hang.
"""

import contextlib
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from attrs import define, field
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from haldir_sandbox.samples import Samples
from haldir_sandbox.serving import Served
from haldir_sandbox.values import FULL, OTHER, REQUIRED, Choice, arguments_for

MAX_LINE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 8_000_000
MAX_STRANGE_LINES = 2000
MAX_TOOLS = 48
MAX_CALLS = 96
MAX_ITEMS = 24
ANSWER_SECONDS = 5.0
_WRITE_SECONDS = 5.0
_CHOICES: tuple[Choice, ...] = (FULL, REQUIRED, OTHER)


def drive(stdin: int, stdout: int, samples: Samples, seconds: float) -> Served:
    """Return what the server showed within ``seconds``; the two descriptors stay open."""
    served = _Visit(samples)
    with _quiet():
        try:
            anyio.run(_within, seconds, lambda: _visit(stdin, stdout, served))
        except Exception as error:  # noqa: BLE001 - a hostile server chooses where the library fails; it is told, not hidden
            served.notes.append(f"the conversation ended: {_kind(error)}")
    return served.result()


@define
class _Visit:
    """What has been seen of a server so far."""

    samples: Samples
    tools: list[str] = field(factory=list)
    calls: int = 0
    asked: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)
    said: bytearray = field(factory=bytearray)
    initialized: bool = False
    complete: bool = False

    def result(self) -> Served:
        return Served(
            initialized=self.initialized,
            complete=self.complete,
            tools=tuple(self.tools[:2]),
            calls=self.calls,
            asked=tuple(dict.fromkeys(self.asked)),
            notes=tuple(self.notes[:20]),
            said=bytes(self.said),
        )


def _kind(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


async def _within(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    with anyio.move_on_after(seconds):
        await work()


async def _visit(stdin: int, stdout: int, visit: _Visit) -> None:
    async with _streams(stdin, stdout, visit) as (incoming, outgoing):
        refusing = _Refusing(visit)
        session = ClientSession(
            incoming,
            outgoing,
            read_timeout_seconds=ANSWER_SECONDS,
            sampling_callback=refusing.sampling,
            elicitation_callback=refusing.elicitation,
            list_roots_callback=refusing.roots,
            client_info=types.Implementation(name="agent", version="1.0"),
        )
        async with session:
            await session.initialize()
            visit.initialized = True
            await _use(session, visit)
            visit.complete = True


async def _use(session: ClientSession, visit: _Visit) -> None:
    tools = await _tools(session, visit)
    for tool in tools[:MAX_TOOLS]:
        sent: list[str] = []
        for choice in _CHOICES:
            arguments = arguments_for(tool.input_schema, visit.samples, choice)
            text = json.dumps(arguments, sort_keys=True)
            if text not in sent and visit.calls < MAX_CALLS:
                sent.append(text)
                visit.calls += 1
                await _ask(session, visit, _call(tool.name, arguments), types.CallToolResult)
    await _resources(session, visit)
    await _prompts(session, visit)
    if tools:
        await _tools(session, visit)
    if len(tools) > MAX_TOOLS:
        visit.notes.append(f"{len(tools) - MAX_TOOLS} more tools")


def _call(name: str, arguments: dict[str, Any]) -> types.CallToolRequest:
    return types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=arguments))


async def _tools(session: ClientSession, visit: _Visit) -> list[types.Tool]:
    """Return the tools, and keep their description to see whether it changes."""
    listed = await _ask(session, visit, types.ListToolsRequest(), types.ListToolsResult)
    tools = listed.tools if listed is not None else []
    shown = [tool.model_dump_json(by_alias=True, exclude_none=True) for tool in tools[: 4 * MAX_TOOLS]]
    visit.tools.append("\n".join(sorted(shown)))
    return tools


async def _resources(session: ClientSession, visit: _Visit) -> None:
    listed = await _ask(session, visit, types.ListResourcesRequest(), types.ListResourcesResult)
    addresses = [str(item.uri) for item in (listed.resources if listed is not None else [])[:MAX_ITEMS]]
    templates = await _ask(session, visit, types.ListResourceTemplatesRequest(), types.ListResourceTemplatesResult)
    known = templates.resource_templates if templates is not None else []
    addresses += [_filled(str(item.uri_template), visit.samples) for item in known[:MAX_ITEMS]]
    for address in addresses:
        request = types.ReadResourceRequest(params=types.ReadResourceRequestParams(uri=address))
        await _ask(session, visit, request, types.ReadResourceResult)


async def _prompts(session: ClientSession, visit: _Visit) -> None:
    listed = await _ask(session, visit, types.ListPromptsRequest(), types.ListPromptsResult)
    for prompt in (listed.prompts if listed is not None else [])[:MAX_ITEMS]:
        arguments = {item.name: visit.samples.value(item.name) for item in (prompt.arguments or [])[:MAX_ITEMS]}
        request = types.GetPromptRequest(params=types.GetPromptRequestParams(name=prompt.name, arguments=arguments))
        await _ask(session, visit, request, types.GetPromptResult)


async def _ask(session: ClientSession, visit: _Visit, request: Any, answer: type[Any]) -> Any:  # noqa: ANN401 - the library's own union
    """Return the server's answer, or None if it refuses, does not answer in time, or answers nonsense."""
    try:
        with anyio.fail_after(ANSWER_SECONDS + 1):
            return await session.send_request(request, answer)
    except (MCPError, ValidationError, TimeoutError, ValueError) as error:
        if not _is_unknown_method(error):
            visit.notes.append(f"{request.method}: {type(error).__name__}")
        return None


def _is_unknown_method(error: Exception) -> bool:
    return isinstance(error, MCPError) and error.error.code == types.METHOD_NOT_FOUND


_REFUSAL = types.ErrorData(code=types.INVALID_REQUEST, message="not available here")


@define
class _Refusing:
    """Answers what a server asks of its client: it is kept, and refused."""

    visit: _Visit

    async def sampling(self, context: object, params: object) -> types.ErrorData:  # noqa: ARG002 - the library names them
        self.visit.asked.append("sampling")
        return _REFUSAL

    async def elicitation(self, context: object, params: object) -> types.ErrorData:  # noqa: ARG002 - the library names them
        self.visit.asked.append("elicitation")
        return _REFUSAL

    async def roots(self, context: object) -> types.ErrorData:  # noqa: ARG002 - the library names them
        self.visit.asked.append("roots")
        return _REFUSAL


def _filled(template: str, samples: Samples) -> str:
    """Return a resource template with a sample in every place; what is no simple place stays."""
    parts = template[:2000].split("{")
    filled = parts[0]
    for part in parts[1 : 1 + MAX_ITEMS]:
        name, _, rest = part.partition("}")
        filled += samples.value(name.strip("+#./;?&*")).removeprefix("/") + rest
    return filled


@contextlib.asynccontextmanager
async def _streams(
    stdin: int, stdout: int, visit: _Visit
) -> AsyncIterator[
    tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]
]:
    """Yield the streams of a session over two pipes; lines that are no messages are left out."""
    arrived, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](64)
    outgoing, leaving = anyio.create_memory_object_stream[SessionMessage](64)
    os.set_blocking(stdin, False)
    os.set_blocking(stdout, False)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read_lines, stdout, arrived, visit)
        tasks.start_soon(_write_lines, stdin, leaving)
        try:
            yield incoming, outgoing
        finally:
            tasks.cancel_scope.cancel()
            for stream in (arrived, incoming, outgoing, leaving):
                stream.close()


async def _read_lines(
    descriptor: int, arrived: MemoryObjectSendStream[SessionMessage | Exception], visit: _Visit
) -> None:
    buffer = b""
    total = strange = 0
    async with arrived:
        while total < MAX_TOTAL_BYTES:
            await anyio.wait_readable(descriptor)
            data = os.read(descriptor, 65536)
            if not data:
                return
            total += len(data)
            visit.said += data[: MAX_TOTAL_BYTES - len(visit.said)]
            *lines, buffer = (buffer + data).split(b"\n")
            if len(buffer) > MAX_LINE_BYTES:
                visit.notes.append("a line was too long")
                return
            for line in lines:
                message = _message(line)
                if message is not None:
                    await arrived.send(message)
                elif (strange := strange + 1) > MAX_STRANGE_LINES:
                    visit.notes.append("its output is no protocol")
                    return
        visit.notes.append("it said too much")


def _message(line: bytes) -> SessionMessage | None:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None


async def _write_lines(descriptor: int, leaving: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with leaving:
        async for item in leaving:
            data = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
            with anyio.move_on_after(_WRITE_SECONDS):
                while data:
                    await anyio.wait_writable(descriptor)
                    try:
                        data = data[os.write(descriptor, data) :]
                    except OSError:
                        return  # the server is gone; the reader sees it too


_logging = threading.Lock()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The library's loggers, which repeat what the server says, are silent."""
    loggers = [logging.getLogger(name) for name in ("client", "mcp", "mcp.client", "mcp.shared")]
    with _logging:
        before = [logger.disabled for logger in loggers]
        for logger in loggers:
            logger.disabled = True
    try:
        yield
    finally:
        with _logging:
            for logger, was in zip(loggers, before, strict=True):
                logger.disabled = was
