"""Why a schema is not portable: the SDKs would write different canonical bytes for it.

Python's form is the one that is signed and verified here.  Source: 68 values given to all four SDKs,
``spec/vectors/schemapin/canon.json``.
"""

import re
from collections.abc import Iterator
from enum import Enum

from attrs import frozen

from haldir_core.canonical import JsonValue
from haldir_core.schemapin.canon import schemapin_v1

MAX_REASONS = 100
"""Where the search ends: whoever has to change a hundred places needs no more of them."""

_FIRST_WITH_EXPONENT = 1e16  # Python writes 1e+16, JavaScript and Go digits up to 1e21
_SMALLEST_WITHOUT_EXPONENT = 1e-4  # Python writes 1e-05, the others 0.00001
_LARGEST_EXACT = 2**53  # JavaScript and Go read numbers as doubles
_LAST_PLAIN = "\ud7ff"  # above it UTF-16 units and code points are in different orders
_ARRAY_INDEX = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)  # ECMA-262 6.1.7: up to 2^32 - 2
_HTML = frozenset("<>&\u2028\u2029")
_SHORT_ESCAPES = frozenset("\b\f")


class Unportable(Enum):
    """A reason, and what other SDKs do."""

    NOT_AN_OBJECT = "Go signs objects only"
    ARRAY_INDEX_KEY = "JavaScript puts keys that are array indices first, in numeric order"
    PROTO_KEY = "JavaScript loses the key __proto__"
    ASTRAL_KEY_ORDER = "JavaScript sorts keys beyond U+FFFF before keys from U+E000 on"
    HTML_CHARACTER = "Go escapes <, >, &, U+2028 and U+2029"
    SHORT_ESCAPE = "Go before 1.22 writes backspace and form feed by their numbers"
    LARGE_INTEGER = "JavaScript and Go round integers beyond 2^53, and Rust those beyond 2^64"
    WHOLE_FLOAT = "JavaScript and Go write a float without a fraction as an integer"
    FLOAT_RANGE = "the SDKs write very large and very small floats in different ways"


@frozen
class Portability:
    """One reason why a value is not portable, and where: the keys and positions that lead to it."""

    reason: Unportable
    place: tuple[str | int, ...]

    def __str__(self) -> str:
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.place)
        return f"{pointer or 'the schema'}: {self.reason.value}"


def portability_of(value: JsonValue) -> tuple[Portability, ...]:
    """Return why a schema is not portable; empty if all SDKs write the same bytes.

    Raises: MalformedError if ``value`` has no canonical form at all.
    """
    schemapin_v1(value)
    reasons: list[Portability] = []
    if not isinstance(value, dict):
        reasons.append(Portability(Unportable.NOT_AN_OBJECT, ()))
    for reason in _walk(value, ()):
        reasons.append(reason)
        if len(reasons) >= MAX_REASONS:
            break
    return tuple(reasons)


def _walk(value: JsonValue, place: tuple[str | int, ...]) -> Iterator[Portability]:
    """Yield the reasons below ``place``, which is not deep: the canonical form ends at 100 levels."""
    if isinstance(value, dict):
        yield from _keys(list(value), place)
        for key, item in value.items():
            yield from _walk(item, (*place, key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _walk(item, (*place, number))
    elif isinstance(value, str):
        yield from _characters(value, place)
    else:
        yield from _number(value, place)


def _keys(keys: list[str], place: tuple[str | int, ...]) -> Iterator[Portability]:
    for key in keys:
        if _ARRAY_INDEX.fullmatch(key):
            yield Portability(Unportable.ARRAY_INDEX_KEY, (*place, key))
        if key == "__proto__":
            yield Portability(Unportable.PROTO_KEY, (*place, key))
        yield from _characters(key, (*place, key))
    high = [key for key in keys if any(character > _LAST_PLAIN for character in key)]
    if sorted(high) != sorted(high, key=lambda key: key.encode("utf-16-be")):
        yield Portability(Unportable.ASTRAL_KEY_ORDER, place)


def _characters(text: str, place: tuple[str | int, ...]) -> Iterator[Portability]:
    if not _HTML.isdisjoint(text):
        yield Portability(Unportable.HTML_CHARACTER, place)
    if not _SHORT_ESCAPES.isdisjoint(text):
        yield Portability(Unportable.SHORT_ESCAPE, place)


def _number(value: JsonValue, place: tuple[str | int, ...]) -> Iterator[Portability]:
    if isinstance(value, float):
        if not _SMALLEST_WITHOUT_EXPONENT <= abs(value) < _FIRST_WITH_EXPONENT:
            yield Portability(Unportable.FLOAT_RANGE, place)
        elif value.is_integer():
            yield Portability(Unportable.WHOLE_FLOAT, place)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_EXACT:
        yield Portability(Unportable.LARGE_INTEGER, place)
