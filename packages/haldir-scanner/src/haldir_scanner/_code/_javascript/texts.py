"""Methods and functions that make texts from texts."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING

from haldir_scanner._code._javascript.value import (
    LONGEST_TEXT,
    MOST_ITEMS,
    UNKNOWN,
    Value,
    as_text,
    concatenated,
    number_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Method = Callable[[Value, Sequence[Value]], Value | None]
    Function = Callable[[Sequence[Value]], Value | None]

_PERCENT = re.compile(r"%u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r\n|.))", re.DOTALL
)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\n": "", "\r\n": "", "\u2028": ""}
_NUMBER = re.compile(r"\s*([-+]?)(0[xX][0-9a-fA-F]{1,12}|\d{1,15}(?:\.\d{1,15})?)")
_PLAIN_PATTERN = re.compile(r"(?:[^\\.*+?^$()\[\]{}|]|\\[^\w\s]){1,40}")
_SINGLE_CHARACTER = re.compile(r"\[[^\\\]^-]\]")


def unescaped(source: str) -> tuple[str, bool]:
    """The text that a literal stands for, and whether an escape hides a character that could be written as it is."""
    if "\\" not in source:
        return source, False
    hides = False

    def character(match: re.Match[str]) -> str:
        nonlocal hides
        code = match[1] or match[2] or match[3]
        if code or match[4]:
            number = int(code, 16) if code else int(match[4], 8)
            hides = hides or (0x20 < number < 0x7F and chr(number).isalnum())
            return chr(number) if number <= 0x10FFFF else ""
        return _LETTERS.get(match[5], match[5])

    text = _ESCAPE.sub(character, source)
    if any("\ud800" <= letter <= "\udfff" for letter in text[:4000]) or not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text, hides


def plain_pattern(source: str) -> str:
    """The text that a regular expression matches if it is nothing else, as ``/_/g`` is; otherwise nothing."""
    if _PLAIN_PATTERN.fullmatch(source):
        return re.sub(r"\\([^\w\s])", r"\1", source)
    return source[1:-1] if _SINGLE_CHARACTER.fullmatch(source) else ""


def _index(arguments: Sequence[Value], place: int, default: int) -> int | None:
    if place >= len(arguments):
        return default
    number = arguments[place].number
    return int(number) if number is not None and abs(number) < 1e9 else None


def _slice(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    begin, end = _index(arguments, 0, 0), _index(arguments, 1, LONGEST_TEXT)
    if begin is None or end is None:
        return None
    if receiver.items is not None:
        return Value(items=receiver.items[begin:end], taints=receiver.taints, chain=receiver.chain)
    return receiver.derived(receiver.text[begin:end], "slice") if receiver.text is not None else None


def _substring(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    begin, end = _index(arguments, 0, 0), _index(arguments, 1, LONGEST_TEXT)
    if begin is None or end is None or receiver.known is None:
        return None
    first, last = sorted((max(begin, 0), max(end, 0)))
    return receiver.derived(receiver.known[first:last], "slice")


def _substr(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    begin, length = _index(arguments, 0, 0), _index(arguments, 1, LONGEST_TEXT)
    if begin is None or length is None or receiver.known is None:
        return None
    return receiver.derived(receiver.known[begin:][: max(length, 0)], "slice")


def _char_at(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    place = _index(arguments, 0, 0)
    return element(receiver, Value(number=place)) if place is not None else None


def _at(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    place = _index(arguments, 0, 0)
    whole = receiver.items if receiver.items is not None else receiver.known
    if place is None or whole is None:
        return None
    return element(receiver, Value(number=place + len(whole) if place < 0 else place))


def _char_code_at(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    place = _index(arguments, 0, 0)
    if place is None or receiver.known is None or not 0 <= place < len(receiver.known):
        return None
    return Value(number=ord(receiver.known[place]), taints=receiver.taints, chain=receiver.chain)


def element(receiver: Value, key: Value) -> Value | None:
    """The element of an array, or the character of a text, at ``key``; None if it is not known."""
    number = key.number
    if number is None and key.known is not None and key.known.isdecimal():
        number = int(key.known[:9])
    if number is None or number != number // 1:
        return None
    if receiver.items is not None and 0 <= number < len(receiver.items):
        return receiver.items[int(number)]
    if receiver.known is not None and 0 <= number < len(receiver.known):
        return receiver.derived(receiver.known[int(number)], "slice")
    return None


def _split(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    separator = arguments[0].known if arguments else None
    if receiver.known is None or separator is None:
        return None
    pieces = list(receiver.known) if not separator else receiver.known.split(separator)
    if len(pieces) > MOST_ITEMS * 4:
        return None
    return Value(items=tuple(Value(text=piece) for piece in pieces), taints=receiver.taints, chain=receiver.chain)


def _join(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    if receiver.items is None:
        return None
    separator = as_text(arguments[0]) if arguments else ","
    texts: list[Value] = []
    for place, item in enumerate(receiver.items):
        if place and separator:
            texts.append(Value(text=separator))
        texts.append(item)
    joined = concatenated(texts)
    chain = tuple(dict.fromkeys((*receiver.chain, *joined.chain)))
    return Value(text=joined.text, taints={**receiver.taints, **joined.taints}, chain=chain)


def _reverse(receiver: Value, _: Sequence[Value]) -> Value | None:
    if receiver.items is None:
        return None
    reversed_ = Value(items=receiver.items[::-1], taints=receiver.taints, chain=receiver.chain)
    return reversed_.behind("reversed")


def _replace(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    """Of a text by a text; what looks like a regular expression is one that ``constant_pattern`` has read."""
    if receiver.known is None or len(arguments) < 2 or arguments[1].known is None:
        return None
    old, new = arguments[0], arguments[1].known
    if old.name.startswith("regex:"):
        pattern, everywhere = old.name[7:], old.name[6] == "g"
    elif old.known:
        pattern, everywhere = old.known, False
    else:
        return None
    return receiver.derived(receiver.known.replace(pattern, new, -1 if everywhere else 1), "replaced")


def _replace_all(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    if receiver.known is None or len(arguments) < 2 or not arguments[0].known or arguments[1].known is None:
        return _replace(receiver, arguments)
    return receiver.derived(receiver.known.replace(arguments[0].known, arguments[1].known), "replaced")


def _concat(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    if receiver.items is not None:
        items = [*receiver.items]
        for argument in arguments:
            items += argument.items if argument.items is not None else (argument,)
        return Value(items=tuple(items[:MOST_ITEMS]), taints=receiver.taints, chain=receiver.chain)
    return concatenated((receiver, *arguments)) if receiver.text is not None else None


def _to_string(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    if receiver.number is not None:
        radix = _index(arguments, 0, 10)
        return _in_radix(receiver, radix) if radix is not None else None
    encoding = arguments[0].known if arguments else None
    if encoding in {"hex", "base64", "base64url"}:
        return Value(taints=receiver.taints)
    return receiver if receiver.text is not None else None


def _in_radix(receiver: Value, radix: int) -> Value | None:
    number = int(receiver.number or 0)
    if not 2 <= radix <= 36 or not 0 <= number < 1e15:
        return None
    digits = ""
    while number:
        number, digit = divmod(number, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return receiver.derived(digits or "0", "character codes" if radix > 16 else "")


def _same(receiver: Value, _: Sequence[Value]) -> Value | None:
    return receiver


def _repeat(receiver: Value, arguments: Sequence[Value]) -> Value | None:
    count = _index(arguments, 0, 0)
    if receiver.known is None or count is None or not 0 <= count * len(receiver.known) <= LONGEST_TEXT:
        return None
    return receiver.derived(receiver.known * count)


def _changed(change: Callable[[str], str]) -> Method:
    return lambda receiver, _: receiver.derived(change(receiver.text)) if receiver.text is not None else None


METHODS: dict[str, Method] = {
    "at": _at,
    "charAt": _char_at,
    "charCodeAt": _char_code_at,
    "codePointAt": _char_code_at,
    "concat": _concat,
    "join": _join,
    "replace": _replace,
    "replaceAll": _replace_all,
    "repeat": _repeat,
    "reverse": _reverse,
    "slice": _slice,
    "split": _split,
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": _changed(str.lower),
    "toReversed": _reverse,
    "toString": _to_string,
    "toUpperCase": _changed(str.upper),
    "trim": _changed(str.strip),
    "valueOf": _same,
}


def _decoded(value: Value, trick: str, decode: Callable[[str], str]) -> Value | None:
    """What a text says that is encoded; that it is decoded is known even if the text is not."""
    if value.known is None:
        return Value(taints=value.taints, chain=(*value.chain, trick)) if value.taints else None
    try:
        text = decode(value.known)
    except (ValueError, binascii.Error, zlib.error):
        return Value(taints=value.taints)
    return value.derived(text, trick)


def _bytes_as_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _from_base64(text: str) -> str:
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return _bytes_as_text(base64.b64decode(plain + "=" * (-len(plain) % 4)))


def _from_hex(text: str) -> str:
    return _bytes_as_text(bytes.fromhex(text))


def _atob(arguments: Sequence[Value]) -> Value | None:
    return _decoded(arguments[0], "base64", _from_base64) if arguments else None


def _buffer(arguments: Sequence[Value]) -> Value | None:
    if not arguments:
        return None
    encoding = arguments[1].known if len(arguments) > 1 else ""
    if encoding in {"base64", "base64url"}:
        return _decoded(arguments[0], "base64", _from_base64)
    if encoding == "hex":
        return _decoded(arguments[0], "hex", _from_hex)
    if arguments[0].items is not None:
        return _from_codes(arguments[0].items)
    return arguments[0] if arguments[0].text is not None else Value(taints=arguments[0].taints)


def _from_char_code(arguments: Sequence[Value]) -> Value | None:
    return _from_codes(arguments)


def _from_codes(values: Sequence[Value]) -> Value | None:
    numbers = [value.number for value in values]
    if not numbers or any(number is None or not 0 <= number < 0x110000 for number in numbers):
        return None
    text = "".join(chr(int(number or 0)) for number in numbers)
    chain = dict.fromkeys(trick for value in values for trick in value.chain)
    return Value(text=text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), chain=(*chain,)).behind(
        "character codes"
    )


def _unquote(arguments: Sequence[Value]) -> Value | None:
    return _decoded(arguments[0], "percent", _from_percent) if arguments else None


def _from_percent(text: str) -> str:
    return _PERCENT.sub(_percent, text)


def _percent(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return bytes.fromhex(match[2].replace("%", "")).decode("utf-8", "replace")


def _number(arguments: Sequence[Value]) -> Value | None:
    if not arguments:
        return None
    value = arguments[0]
    if value.number is not None:
        return Value(number=float(int(value.number)))
    radix = arguments[1].number if len(arguments) > 1 else None
    if value.known is None:
        return None
    if radix is not None and radix != 10:
        digits = re.match(r"\s*(?:0[xX])?([0-9a-zA-Z]{1,12})", value.known)
        return _in_base(digits[1], int(radix)) if digits and 2 <= radix <= 36 else None
    match = _NUMBER.match(value.known)
    return Value(number=float(int(match[2], 0) if match[2][:2] in {"0x", "0X"} else float(match[2]))) if match else None


def _in_base(digits: str, radix: int) -> Value | None:
    while digits:
        try:
            return Value(number=float(int(digits, radix)))
        except ValueError:
            digits = digits[:-1]
    return None


def _inflate(arguments: Sequence[Value]) -> Value | None:
    def inflated(text: str) -> str:
        data = text.encode("latin-1", "replace")
        return _bytes_as_text(zlib.decompressobj(47).decompress(data, LONGEST_TEXT))

    return _decoded(arguments[0], "inflate", inflated) if arguments else None


def _text_of(arguments: Sequence[Value]) -> Value | None:
    if not arguments:
        return None
    if arguments[0].number is not None:
        return Value(text=number_text(arguments[0].number))
    return arguments[0] if arguments[0].text is not None else Value(taints=arguments[0].taints)


FUNCTIONS: dict[str, Function] = {
    "Buffer": _buffer,
    "Buffer.from": _buffer,
    "Number": _number,
    "Number.parseInt": _number,
    "String": _text_of,
    "String.fromCharCode": _from_char_code,
    "String.fromCodePoint": _from_char_code,
    "Uint8Array.from": _text_of,
    "atob": _atob,
    "decodeURI": _unquote,
    "decodeURIComponent": _unquote,
    "parseInt": _number,
    "unescape": _unquote,
    "zlib.brotliDecompressSync": lambda arguments: Value(taints=arguments[0].taints) if arguments else UNKNOWN,
    "zlib.gunzipSync": _inflate,
    "zlib.inflateRawSync": lambda arguments: Value(taints=arguments[0].taints) if arguments else UNKNOWN,
    "zlib.inflateSync": _inflate,
    "zlib.unzipSync": _inflate,
}
