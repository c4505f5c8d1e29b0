"""Commands that turn one text into another."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.options import options
from haldir_scanner._code._shell.value import DECODED, ESCAPE, INPUT, LONGEST_TEXT, NOTHING, Value, joined
from haldir_scanner._code._shell.words import hides, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_scanner._code._shell.machine import Call, Machine

# How a text can be written so that nobody reads it.
DECODINGS = frozenset({"base64", "base32", "hex", "reversed", "rot13", "gzip", "decryption", ESCAPE})

_DIRECTIVE = re.compile(r"%(?:%|[-+ 0#']*\d{0,6}(?:\.\d{0,6})?([sbdixXoucq]))")
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)
_CLASSES = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
}
_SUBSTITUTE = re.compile(r"s([/|#,:@!])((?:(?!\1)[^\\.*\[\]^$+?(){}|])*)\1((?:(?!\1)[^\\&])*)\1(g?)")
_MOST_ARGUMENTS = 2000


def echo(machine: Machine, call: Call) -> Value:
    """What ``echo`` writes."""
    arguments = call.arguments
    flags = ""
    while arguments and re.fullmatch(r"-[neE]{1,3}", arguments[0].text):
        flags += arguments[0].text
        arguments = arguments[1:]
    text = joined(arguments, " ")
    machine.budget.spend(len(text.text) // 1024)
    if "e" in flags:
        text = text.derived(unescaped(text.text), ESCAPE if hides(text.text) else "")
    return text if "n" in flags else text.derived(text.text + "\n")


def printf(machine: Machine, call: Call) -> Value:
    """What ``printf`` writes; with ``-v`` it sets the variable instead."""
    arguments = [argument for argument in call.arguments if argument.text != "--"]
    name = ""
    if len(arguments) > 1 and arguments[0].text == "-v":
        name, arguments = arguments[1].text, arguments[2:]
    if not arguments or len(arguments) > _MOST_ARGUMENTS:
        return NOTHING
    form, rest = arguments[0], arguments[1:]
    pieces = [_formatted(form, rest)]
    while rest and _directives(form.text) and len(pieces) < _MOST_ARGUMENTS:
        rest = rest[_directives(form.text) :]
        if rest:
            pieces.append(_formatted(form, rest))
        machine.budget.spend(1 + len(form.text) // 256)
    text = joined(pieces)
    if not name:
        return text
    machine.variables[name] = [text]
    return NOTHING


def _directives(form: str) -> int:
    return sum(1 for match in _DIRECTIVE.finditer(form) if match[1])


def _formatted(form: Value, arguments: list[Value]) -> Value:
    """The format once, with as many of the arguments as it takes."""
    pieces: list[Value] = []
    taken = iter(arguments)
    end = 0
    for match in _DIRECTIVE.finditer(form.text):
        pieces.append(_unescaped(form.derived(form.text[end : match.start()])))
        end = match.end()
        if match[1] is None:
            pieces.append(Value("%"))
            continue
        argument = next(taken, NOTHING)
        pieces.append(_converted(argument, match[1]))
    pieces.append(_unescaped(form.derived(form.text[end:])))
    return joined(pieces)


def _unescaped(value: Value) -> Value:
    return value.derived(unescaped(value.text), ESCAPE if hides(value.text) else "")


def _converted(argument: Value, letter: str) -> Value:
    if letter == "b":
        return _unescaped(argument)
    if letter == "c":
        return argument.derived(argument.text[:1])
    if letter in "xXo" and re.fullmatch(r"\d{1,12}|0[xX][0-9a-fA-F]{1,8}", argument.text):
        return argument.derived(format(int(argument.text, 0 if argument.text[:2] in {"0x", "0X"} else 10), letter))
    return argument


def transformed(call: Call, source: Value) -> Value:
    """What a command of TRANSFORMATIONS makes of ``source``."""
    return TRANSFORMATIONS[call.name](call, source)


def _decoded(call: Call, source: Value, trick: str, decode: Callable[[bytes], bytes]) -> Value:
    """The decoded text; of an unknown text, it is known that it has been decoded."""
    if not source.is_known:
        return source.unknown().with_taint(DECODED, call.place)
    try:
        text = decode(source.text.encode("latin-1", "replace")).decode("latin-1")
    except (ValueError, binascii.Error, zlib.error, EOFError):
        return source.unknown()
    return source.derived(text, trick).with_taint(DECODED, call.place)


def _base64(call: Call, source: Value) -> Value:
    given = options(call.arguments, "wib", frozenset({"wrap"}))
    if not given.has("d", "D", "decode", "di"):
        return source.unknown()
    return _decoded(call, source, "base64", _from_base64)


def _from_base64(data: bytes) -> bytes:
    return base64.b64decode(data + b"=" * 3) if len(data) < 4 else base64.b64decode(_padded(data, 4))


def _padded(data: bytes, size: int) -> bytes:
    data = b"".join(data.split()).rstrip(b"=")
    return data + b"=" * (-len(data) % size)


def _base32(call: Call, source: Value) -> Value:
    given = options(call.arguments, "wi", frozenset({"wrap"}))
    if not given.has("d", "decode"):
        return source.unknown()
    return _decoded(call, source, "base32", lambda data: base64.b32decode(_padded(data, 8)))


def _basenc(call: Call, source: Value) -> Value:
    given = options(call.arguments, "wi", frozenset({"wrap"}))
    if not given.has("d", "decode"):
        return source.unknown()
    if given.has("base16"):
        return _decoded(call, source, "hex", lambda data: bytes.fromhex(data.decode()))
    return _base32(call, source) if given.has("base32") else _base64(call, source)


def _xxd(call: Call, source: Value) -> Value:
    given = options(call.arguments, "clos")
    if not given.has("r"):
        return source.unknown()
    return _decoded(call, source, "hex", lambda data: bytes.fromhex(data.decode().replace("\\x", "")))


def _openssl(call: Call, source: Value) -> Value:
    texts = call.texts()
    if not {"-d", "-decrypt"} & set(texts):
        return source.unknown()
    if texts[:1] == ["base64"] or (texts[:1] == ["enc"] and {"-base64", "-a"} & set(texts) and len(texts) < 5):
        return _decoded(call, source, "base64", _from_base64)
    return source.unknown().with_taint(DECODED, call.place)


def _gunzip(call: Call, source: Value) -> Value:
    if call.name in {"gzip", "bzip2", "xz", "zstd"} and not options(call.arguments, "").has("d", "decompress", "dc"):
        return source.unknown()
    if DECODED not in source.taints:
        return source.unknown()
    return _decoded(call, source, "gzip", lambda data: zlib.decompressobj(47).decompress(data, LONGEST_TEXT))


def _rev(_: Call, source: Value) -> Value:
    lines = source.text.split("\n")
    return source.derived("\n".join(line[::-1] for line in lines), "reversed") if source.is_known else source.unknown()


def _tac(_: Call, source: Value) -> Value:
    text = "\n".join(reversed(source.text.rstrip("\n").split("\n")))
    return source.derived(text, "reversed lines") if source.is_known else source.unknown()


def _tr(call: Call, source: Value) -> Value:
    given = options(call.arguments, "")
    if not source.is_known or not given.others:
        return source.unknown()
    first = _set(given.others[0].text)
    if given.has("d", "delete"):
        return source.derived(source.text.translate({ord(character): None for character in first}), "deletion")
    if len(given.others) < 2 or given.has("s", "c", "C"):
        return source.unknown() if given.has("c", "C") else source
    second = _set(given.others[1].text)
    second = second.ljust(len(first), second[-1:]) if second else first
    table = dict(zip(map(ord, first), second, strict=False))
    is_case = first.lower() == second.lower()
    return source.derived(source.text.translate(table), "case" if is_case else "rot13" if len(first) > 12 else "")


def _set(text: str) -> str:
    for name, characters in _CLASSES.items():
        text = text.replace(name, characters)
    if text.startswith("[") and text.endswith("]") and "-" in text:
        text = text[1:-1]
    return _RANGE.sub(_characters, unescaped(text[:200]))


def _characters(match: re.Match[str]) -> str:
    return "".join(map(chr, range(ord(match[1]), ord(match[2]) + 1)))


def _sed(call: Call, source: Value) -> Value:
    given = options(call.arguments, "ef", frozenset({"expression"}))
    script = next(given.values("e", "expression"), given.others[0] if given.others else NOTHING)
    match = _SUBSTITUTE.fullmatch(script.text)
    if match is None or not source.is_known or not match[2]:
        # What quotes an argument makes it harmless.
        taints = {taint: place for taint, place in source.taints.items() if taint != INPUT}
        return Value(is_known=False, taints=taints)
    count = -1 if match[4] else 1
    lines = (line.replace(match[2], match[3], count) for line in source.text.split("\n"))
    return source.derived("\n".join(lines), "replacement")


def _awk(call: Call, source: Value) -> Value:
    """Letters that are made of numbers are decoded; anything else is a text of the same origin."""
    taints = {taint: place for taint, place in source.taints.items() if taint != INPUT}
    found = Value(is_known=False, taints=taints)
    return found.with_taint(DECODED, call.place) if any("%c" in text for text in call.texts()) else found


TRANSFORMATIONS: dict[str, Callable[[Call, Value], Value]] = {
    "awk": _awk,
    "base32": _base32,
    "base64": _base64,
    "gawk": _awk,
    "gbase64": _base64,
    "basenc": _basenc,
    "bzip2": _gunzip,
    "gunzip": _gunzip,
    "gzip": _gunzip,
    "openssl": _openssl,
    "rev": _rev,
    "sed": _sed,
    "tac": _tac,
    "tr": _tr,
    "xxd": _xxd,
    "xz": _gunzip,
    "zcat": _gunzip,
}
