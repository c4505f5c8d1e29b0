import asyncio
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from haldir_reviewer.model import (
    MalformedAnswerError,
    ProviderError,
    RejectedRequestError,
    UnavailableError,
)

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from model_server import GOOD, KEY, Script, ask, completion, http, json_answer, reset, silence


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD[:-20])
    await writer.drain()
    await reset(reader, writer)


async def endless_header(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _number in range(200):
        writer.write(b"a" * 65536)
        await writer.drain()


async def endless_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


def body(data: bytes) -> bytes:
    return http(200, data)


def replaced(old: str, new: str) -> bytes:
    text = json.dumps(completion())
    assert old in text
    return body(text.replace(old, new).encode())


FAULTS: dict[str, tuple[Script, type[ProviderError], int]] = {
    "silence": (silence, UnavailableError, 3),
    "slow drip": (drip, UnavailableError, 3),
    "connection reset": (reset, UnavailableError, 3),
    "reset within the body": (reset_in_body, UnavailableError, 3),
    "closed without an answer": (b"", UnavailableError, 3),
    "body shorter than told": (http(200, b"{}", Content_Length="100"), UnavailableError, 3),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", UnavailableError, 3),
    "endless header": (endless_header, UnavailableError, 3),
    "bad chunk": (
        http(200, b"zz\r\n", Transfer_Encoding="chunked").replace(b"Content-Length: 4\r\n", b""),
        UnavailableError,
        3,
    ),
    **{
        f"status {status}": (http(status), UnavailableError, 3)
        for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)
    },
    **{f"status {status}": (http(status), RejectedRequestError, 1) for status in (400, 401, 403, 404, 413, 422, 451)},
    **{
        f"status {status}": (http(status, Location="http://127.0.0.1:1/"), RejectedRequestError, 1)
        for status in (301, 302, 303, 307, 308)
    },
    "status 204": (http(204), MalformedAnswerError, 1),
    "status 201": (http(201, json.dumps(completion()).encode()), MalformedAnswerError, 1),
    "HTML": (http(200, b"<html>", kind="text/html"), MalformedAnswerError, 1),
    "plain text": (http(200, json.dumps(completion()).encode(), kind="text/plain"), MalformedAnswerError, 1),
    "compressed": (http(200, gzip.compress(b"{}"), Content_Encoding="gzip"), MalformedAnswerError, 1),
    "10 MB": (body(b'{"a": "' + b"a" * 10_000_000 + b'"}'), MalformedAnswerError, 1),
    "endless body": (endless_body, MalformedAnswerError, 1),
    "empty": (body(b""), MalformedAnswerError, 1),
    "truncated JSON": (body(json.dumps(completion()).encode()[:-1]), MalformedAnswerError, 1),
    "no JSON": (body(b"hello"), MalformedAnswerError, 1),
    "not UTF-8": (body(b'{"a": "\xff"}'), MalformedAnswerError, 1),
    "lone surrogate": (body(b'{"a": "\\ud800"}'), MalformedAnswerError, 1),
    "a list": (body(b"[]"), MalformedAnswerError, 1),
    "null": (body(b"null"), MalformedAnswerError, 1),
    "NaN": (replaced("100", "NaN"), MalformedAnswerError, 1),
    "infinity": (replaced("100", "1e999"), MalformedAnswerError, 1),
    "duplicate key": (replaced('"id": "1"', '"model": "x"'), MalformedAnswerError, 1),
    "deep nesting": (body(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), MalformedAnswerError, 1),
    "a million values": (body(b'{"a":[' + b"1," * 900_000 + b"1]}"), MalformedAnswerError, 1),
    "huge integer": (replaced("100", "1" + "0" * 5000), MalformedAnswerError, 1),
    "negative tokens": (replaced("100", "-1"), MalformedAnswerError, 1),
    "tokens as text": (replaced("100", '"100"'), MalformedAnswerError, 1),
    "true tokens": (replaced("100", "true"), MalformedAnswerError, 1),
    "the key in the answer": (json_answer(completion(json.dumps({"key": KEY}))), MalformedAnswerError, 1),
}


def waiting(script: Script) -> dict[str, Any]:
    """Return short tries where the test waits for their end."""
    return {"try_seconds": 0.3} if script in {silence, drip} else {}


@pytest.mark.parametrize(("script", "kind", "tries"), FAULTS.values(), ids=FAULTS)
def test_every_fault_of_the_way_is_an_error_of_its_kind(script: Script, kind: type[ProviderError], tries: int) -> None:
    result = ask(script, **waiting(script))
    assert type(result.outcome) is kind
    assert len(result.server.seen) == tries


@pytest.mark.parametrize("script", [script for script, _, _ in FAULTS.values()], ids=FAULTS)
def test_the_error_names_the_provider_and_never_the_key(script: Script) -> None:
    error = ask(script, tries=1, **waiting(script)).outcome
    assert isinstance(error, ProviderError)
    shown = f"{error} {error!r} {error.__cause__} {error.__cause__!r} {error.__context__!r}"
    assert shown.startswith("provider first: ")
    assert KEY not in shown
    assert KEY[4:14] not in shown
