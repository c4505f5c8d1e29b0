"""Strict JSON in, the canonical form ``schemapin-v1`` out.

That form is what Python's ``json.dumps(ensure_ascii=False, separators=(",", ":"), sort_keys=True)`` writes, in UTF-8:
keys in the order of their code points, floats as Python's ``repr``, integers of any length.  It is not RFC 8785.
The reader refuses what the SDKs read differently: double keys, NaN, infinity, numbers beyond the range of floats,
halves of surrogate pairs, deep nesting.  Spec: schemapin, section 2.
"""

import json
from collections.abc import Callable, Iterable
from typing import NoReturn

from haldir_core.canonical import MAX_VALUES, JsonObject, JsonValue, has_too_many_values
from haldir_core.errors import MalformedError

CANONICALIZATION = "schemapin-v1"
"""The one known name of a canonical form; a document without a name means it too."""

MAX_DEPTH = 100
"""Deepest nesting that is read; the Rust SDK ends at 127, and no tool needs ten."""

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
"""Largest document that is read unless the caller says less."""

MAX_INTEGER_DIGITS = 4300
"""Longest integer that is read: the limit of Python, whose conversion takes quadratic time."""

_SCALARS = frozenset({str, int, float, bool, type(None)})
_WRITER = json.JSONEncoder(
    check_circular=False, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)


class UnsupportedCanonicalizationError(MalformedError):
    """A document names a canonical form that this library does not know; nothing of it was checked."""


def check_canonicalization(identifier: object, document: str = "canonicalization") -> None:
    """Return if ``identifier`` is None (not given) or ``schemapin-v1``; call this before any cryptography.

    Raises: UnsupportedCanonicalizationError
    """
    if identifier is not None and identifier != CANONICALIZATION:
        raise UnsupportedCanonicalizationError(document, f"{str(identifier)[:60]!r} is not {CANONICALIZATION}")


def parse_strict(data: bytes, document: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> JsonValue:
    """Return the value that ``data`` holds; ``document`` names it in errors.

    Raises: MalformedError if ``data`` is no JSON that all SDKs read alike, or is larger than the limits.
    """
    if len(data) > max_bytes:
        raise MalformedError(document, f"larger than {max_bytes} bytes")
    if len(data) > MAX_VALUES and has_too_many_values(data):
        raise MalformedError(document, f"holds more than {MAX_VALUES} values")
    try:
        text = data.decode("utf-8")
        value: JsonValue = _READER.decode(text)
        # Only an escape makes half of a surrogate pair; one character is found five times as fast as two.
        if "\\" in text and "\\u" in text:
            _WRITER.encode(value).encode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(document, f"not UTF-8 at byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise MalformedError(document, "holds half of a surrogate pair") from error
    except RecursionError as error:
        raise MalformedError(document, f"nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise MalformedError(document, f"not strict JSON: {error}") from error
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_shape(value, document)
    return value


def parse_strict_object(data: bytes, document: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> JsonObject:
    """Return the JSON object that ``data`` holds.

    Raises: MalformedError as `parse_strict`, and if the value is not an object.
    """
    value = parse_strict(data, document, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedError(document, "must be a JSON object")
    return value


def schemapin_v1(value: JsonValue, document: str = "schema") -> bytes:
    """Return the canonical form of a JSON value; ``document`` names it in errors.

    Raises: MalformedError if ``value`` is no JSON, or has no such form (NaN, a key that is no text, half of a
        surrogate pair, more than 100 levels).
    """
    _check_shape(value, document)
    return _write(value, document)


def schemapin_v1_of_bytes(data: bytes, document: str = "schema", *, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the canonical form of the JSON that ``data`` holds.

    Raises: MalformedError as `parse_strict`.
    """
    return _write(parse_strict(data, document, max_bytes=max_bytes), document)


def _prepared() -> Callable[[JsonValue, int], Iterable[str]]:
    """Return what writes a value in pieces as ``_WRITER`` does: its C half, which `json` makes anew for every value."""
    try:
        from _json import make_encoder  # noqa: PLC0415 - only CPython has it

        return make_encoder(None, _WRITER.default, json.encoder.encode_basestring, None, ":", ",", True, False, False)
    except (ImportError, TypeError):  # another Python, or one whose C half is made otherwise
        return lambda value, _: _WRITER.iterencode(value)


_pieces = _prepared()


def _write(value: JsonValue, document: str) -> bytes:
    try:
        return "".join(_pieces(value, 0)).encode()
    except UnicodeEncodeError as error:
        raise MalformedError(document, "holds half of a surrogate pair") from error
    except RecursionError as error:
        raise MalformedError(document, f"nested deeper than {MAX_DEPTH} levels") from error
    except (TypeError, ValueError) as error:
        raise MalformedError(document, f"has no canonical form: {error}") from error


def _check_shape(value: JsonValue, document: str) -> None:
    """Refuse deep nesting, and keys that json.dumps would make into texts: ``{1: 0}`` is no ``{"1": 0}``."""
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        try:
            level = _inner(level)
        except (AttributeError, TypeError, ValueError) as error:  # all but TypeError: a class that only poses as dict
            raise MalformedError(document, "has no canonical form: a key is no text") from error
        if not level:
            return
        if len(level) > MAX_VALUES:
            raise MalformedError(document, f"holds more than {MAX_VALUES} values")
    if any(isinstance(value, (dict, list, tuple)) for value in level):
        raise MalformedError(document, f"nested deeper than {MAX_DEPTH} levels")


def _inner(level: list[JsonValue]) -> list[JsonValue]:
    """Return what is directly in the values of ``level``; every verification comes here, so the loop is plain.

    Raises: TypeError if a key is no text.
    """
    inner: list[JsonValue] = []
    keys: list[str] = []
    for value in level:
        if type(value) is str:  # most values are
            continue
        if type(value) is dict:
            keys += value
            inner += value.values()
        elif type(value) is list:
            try:
                "".join(value)  # most lists of a schema hold texts only, and nothing is in a text
            except TypeError:
                inner += value
        elif type(value) not in _SCALARS:
            inner += _unusual(value, keys)
    "".join(keys)  # the fastest way to ask whether all are texts
    return inner


def _unusual(value: JsonValue, keys: list[str]) -> Iterable[JsonValue]:
    """Return the members of a tuple or a subclass as the writer of json finds them, whatever the class overrides."""
    if isinstance(value, dict):
        pairs = tuple(value.items())
        keys += (key for key, _ in pairs)
        return tuple(item for _, item in pairs)
    if isinstance(value, list):
        return list.__iter__(value)
    return tuple.__iter__(value) if isinstance(value, tuple) else ()


def _without_duplicates(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        double = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # the idiom
        raise ValueError(f"key {double[:100]!r} occurs twice")
    return members


def refuse_constant(name: str) -> NoReturn:
    """Raises: ValueError, always: NaN and its like are no JSON."""
    raise ValueError(f"{name} is not a JSON number")


def _parse_int(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer has more than {MAX_INTEGER_DIGITS} digits")
    return int(text)


def read_float(text: str) -> float:
    """Raises: ValueError if the number is beyond the range of floats."""
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"number {text[:20]} is out of range")
    return number


_READER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=refuse_constant,
    parse_float=read_float,
    parse_int=_parse_int,
)
