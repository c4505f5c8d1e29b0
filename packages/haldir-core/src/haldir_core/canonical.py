"""Strict JSON in, canonical JSON (RFC 8785) out.

The reader takes I-JSON (RFC 7493), and noncharacters beside it: UTF-8 without byte order mark, no
duplicate keys, no NaN or infinity, no lone surrogates, bounded size and depth.  A number without a fraction is
an ``int`` however it was written (``1.0`` is ``1``), as in RFC 8785; one that RFC 8785 writes as digits only and
that is 2^53 or more is refused, because readers differ about it.
"""

import json
from collections.abc import Mapping, Sequence  # noqa: TC003 - attrs resolves the alias at run time
from typing import NoReturn, TypeAlias

import rfc8785

from haldir_core.errors import MalformedError

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
"""Largest JSON document that is read: a manifest of 10,000 files with long names takes about 3 MiB."""

MAX_VALUES = 400_000
"""Most values that a document may hold, by its commas and brackets: a few bytes of text can cost 200 of memory."""

MAX_DEPTH = 32
"""Deepest nesting that is read; the deepest document of the format has 6 levels."""

_MAX_SAFE_INTEGER = 2**53 - 1  # RFC 7493 2.2
_FIRST_WITH_EXPONENT = 1e21  # ECMA-262 6.1.6.1.20: smaller ones are written as digits
_LONGEST_INTEGER = 17  # characters of -9007199254740991, and one


def parse_json(data: bytes, document: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> JsonValue:
    """Return the value that ``data`` holds; ``document`` names it in errors.

    Raises: MalformedError if ``data`` is not strict JSON within the limits.
    """
    if len(data) > max_bytes:
        raise MalformedError(document, f"larger than {max_bytes} bytes")
    if has_too_many_values(data):
        raise MalformedError(document, f"holds more than {MAX_VALUES} values")
    try:
        text = data.decode("utf-8")
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            parse_int=_parse_int,
        )
        if "\\u" in text:  # only an escape can make a lone surrogate
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(document, f"not UTF-8 at byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise MalformedError(document, "holds half of a surrogate pair") from error
    except RecursionError as error:
        raise MalformedError(document, f"nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise MalformedError(document, f"not strict JSON: {error}") from error
    _limit_depth(value, document)
    return value


def parse_object(data: bytes, document: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> JsonObject:
    """Return the JSON object that ``data`` holds.

    Raises: MalformedError as `parse_json`, and if the value is not an object.
    """
    value = parse_json(data, document, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedError(document, "must be a JSON object")
    return value


def has_too_many_values(data: bytes) -> bool:
    """Whether the commas and brackets of ``data``, those in texts too, are more than a reader takes."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the RFC 8785 form of ``value``.

    Raises: MalformedError if ``value`` has no such form (NaN, an integer beyond 2^53, a lone surrogate).
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise MalformedError("document", f"has no canonical JSON form: {error}") from error


def pretty_bytes(value: JsonValue) -> bytes:
    r"""Return ``value`` as people read it: two spaces of indent, raw non-ASCII characters, a final ``\n``.

    Raises: MalformedError if a text holds a lone surrogate.
    """
    try:
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("document", "holds half of a surrogate pair, or bytes that are not UTF-8") from error


def _without_duplicates(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        double = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # the idiom
        raise ValueError(f"key {double[:100]!r} occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _parse_int(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or abs(int(text)) > _MAX_SAFE_INTEGER:
        raise ValueError(f"integer {text[:20]} is not below 2^53")
    return int(text)


def _parse_float(text: str) -> int | float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"number {text[:20]} is out of range")
    if not number.is_integer() or abs(number) >= _FIRST_WITH_EXPONENT:
        return number
    if abs(number) > _MAX_SAFE_INTEGER:
        raise ValueError(f"integer {text[:20]} is not below 2^53")
    return int(number)


def _limit_depth(value: JsonValue, document: str) -> None:
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise MalformedError(document, f"nested deeper than {MAX_DEPTH} levels")
