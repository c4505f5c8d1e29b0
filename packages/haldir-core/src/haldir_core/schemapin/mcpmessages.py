"""JSON-RPC messages on lines, read so that no two readers can see different messages in them.

Source: JSON-RPC 2.0; Model Context Protocol, transports, stdio.
"""

import json
from collections.abc import Mapping
from enum import Enum

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.canon import MAX_INTEGER_DIGITS, read_float, refuse_constant

MESSAGE = "message"

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
REFUSED = -32090
"""What the guard answers for the server; of the range that JSON-RPC leaves to implementations."""

_MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
# Line ends for some readers (Python's text files and str.splitlines, readline of Node), but not for all.
_LINE_ENDS = {b"\xc2\x85": b"\\u0085", b"\xe2\x80\xa8": b"\\u2028", b"\xe2\x80\xa9": b"\\u2029"}


class Kind(Enum):
    """What a message is."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    ANSWER = "answer"


def read_line(line: bytes) -> JsonValue:
    """Return the value on a line.

    Raises: MalformedError if it is no JSON that all readers read alike: double keys, NaN, numbers out of range.
    """
    try:
        value: JsonValue = _READER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(MESSAGE, f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedError(MESSAGE, "nested too deeply") from error
    except ValueError as error:
        raise MalformedError(MESSAGE, f"not strict JSON: {error}") from error
    return value


def one_line(line: bytes) -> bytes:
    r"""Return the same JSON, which `read_line` has read, so that every reader takes it for one line.

    Outside of texts a carriage return is white space, inside it cannot be; the other line ends can be in texts only.
    """
    body = line.rstrip(b"\r\n")
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    if b"\r" in body:
        body = body.replace(b"\r", b" ")
    if not body.isascii():
        for raw, escape in _LINE_ENDS.items():
            body = body.replace(raw, escape)
    return body + end


def written(value: JsonValue) -> bytes:
    """Return a value as a line of ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def kind_of(message: JsonValue) -> tuple[Kind, JsonObject]:
    """Return what a message is.

    Raises: MalformedError if it is none, or more than one; also where a reader that does not look at the case of
        letters would see other members (Go's encoding/json is one).
    """
    if not isinstance(message, dict):
        raise MalformedError(MESSAGE, "must be a JSON object")
    refuse_lookalikes(message, _MEMBERS)
    is_answer = "result" in message or "error" in message
    if "method" not in message:
        if not is_answer:
            raise MalformedError(MESSAGE, "has neither method, result nor error")
        if "result" in message and "error" in message:
            raise MalformedError(MESSAGE, "has both a result and an error")
        return Kind.ANSWER, message
    if is_answer:
        raise MalformedError(MESSAGE, "is both a request and an answer")
    if not isinstance(message["method"], str):
        raise MalformedError(MESSAGE, "method must be a text")
    return (Kind.REQUEST if "id" in message else Kind.NOTIFICATION), message


def refuse_lookalikes(members: Mapping[str, JsonValue], names: frozenset[str]) -> None:
    """Return if no key is one of ``names`` in other letters.

    Raises: MalformedError
    """
    if names.issuperset(members):
        return
    for key in members:
        if key not in names and key.casefold() in names:
            raise MalformedError(MESSAGE, f"the key {key[:40]!r} could be read as {key.casefold()!r}")


def id_key(identifier: JsonValue) -> str | None:
    """Return what all ids share that some client takes for one another: 1, 1.0 and "1"; None for what is no id."""
    if isinstance(identifier, bool) or not isinstance(identifier, int | float | str):
        return None
    if isinstance(identifier, float) and identifier.is_integer():
        return str(int(identifier))
    return str(identifier)


def error_answer(identifier: JsonValue, code: int, message: str, data: JsonObject | None = None) -> JsonObject:
    """Return an answer that says why there is no result."""
    error: JsonObject = {"code": code, "message": message}
    return {"jsonrpc": "2.0", "id": identifier, "error": error if data is None else {**error, "data": data}}


def loose_id(line: bytes) -> JsonValue:
    """Return the id that a line seems to have, which `read_line` refused; None if there is none to be seen."""
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value.get("id") if isinstance(value, dict) else None


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members


def _read_int(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer has more than {MAX_INTEGER_DIGITS} digits")
    return int(text)


_READER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=refuse_constant, parse_float=read_float, parse_int=_read_int
)
