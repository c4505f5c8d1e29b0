"""The values of expressions over constants, computed within bounds."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from attrs import frozen

from haldir_scanner._code._python.decoders import MAX_DECODED

# What a literal can be; an operation that does not fit raises, which is caught in one place.
Constant: TypeAlias = Any

MAX_SIZE = MAX_DECODED  # characters, bytes or elements
_MAX_BITS = 4096  # of a number
_CHARACTER_SETS = frozenset(
    (
        *("utf-8", "utf8", "ascii", "latin-1", "latin1", "iso-8859-1", "cp1252"),
        *("utf-16", "utf-16-le", "utf-16-be", "utf-16le"),
    )
)
_SIMPLE_PERCENT = re.compile(r"%(?:\(\w{1,40}\))?[sdcixr%]")
_SIMPLE_BRACES = re.compile(r"\{\{|\}\}|\{(\w{0,40})\}|[{}]")
_ERRORS = (TypeError, ValueError, KeyError, IndexError, OverflowError, LookupError, ZeroDivisionError)


class UnknownValueError(ValueError):
    """The value cannot be computed, or not within the bounds."""


@frozen
class Fold:
    """A computed constant, and the word for a chain that says how; "" if that is nothing worth telling."""

    constant: object
    step: str = ""


def binary(operator: ast.operator, left: Constant, right: Constant) -> Fold:
    """``left operator right``.

    Raises: UnknownValueError
    """
    rule = _BINARY.get(type(operator))
    if rule is None:
        raise UnknownValueError
    try:
        return rule(left, right)
    except _ERRORS as error:
        raise UnknownValueError from error


def function(name: str, arguments: Sequence[Constant]) -> Fold:
    """What a function of the standard library returns.

    Raises: UnknownValueError
    """
    rule = _FUNCTIONS.get(name)
    if rule is None:
        raise UnknownValueError
    try:
        return rule(*arguments)
    except _ERRORS as error:
        raise UnknownValueError from error


def method(subject: Constant, name: str, arguments: Sequence[Constant]) -> Fold:
    """What a method of a constant returns.

    Raises: UnknownValueError
    """
    rule = _METHODS.get(name)
    if rule is None:
        raise UnknownValueError
    try:
        return rule(subject, *arguments)
    except (*_ERRORS, AttributeError) as error:
        raise UnknownValueError from error


def item(subject: Constant, key: Constant) -> Fold:
    """``subject[key]``.

    Raises: UnknownValueError
    """
    if not isinstance(subject, str | bytes | list | tuple | dict):
        raise UnknownValueError
    try:
        reverses = isinstance(key, slice) and key.step is not None and key.step < 0
        return Fold(subject[key], "reversed" if reverses else "sliced" if isinstance(key, slice) else "")
    except _ERRORS as error:
        raise UnknownValueError from error


def concatenated(texts: Sequence[Constant]) -> Fold:
    """The texts behind one another.

    Raises: UnknownValueError
    """
    return _join("", texts)


def bounded(values: Iterable[Constant]) -> list[Constant]:
    """The elements of a constant, as many as may be computed with.

    Raises: UnknownValueError if there are more.
    """
    elements = list(islice(values, MAX_SIZE + 1))
    if len(elements) > MAX_SIZE:
        raise UnknownValueError
    return elements


def _checked(condition: object) -> None:
    if not condition:
        raise UnknownValueError


def _add(left: Constant, right: Constant) -> Fold:
    if isinstance(left, int) and isinstance(right, int):
        return Fold(_number(left + right))
    _checked(type(left) is type(right) and len(left) + len(right) <= MAX_SIZE)
    return Fold(left + right, "concatenated" if isinstance(left, str | bytes) else "")


def _multiply(left: Constant, right: Constant) -> Fold:
    if isinstance(left, int) and isinstance(right, int):
        _checked(left.bit_length() + right.bit_length() <= _MAX_BITS)
        return Fold(left * right)
    many, count = (left, right) if isinstance(right, int) else (right, left)
    _checked(isinstance(many, str | bytes | list | tuple) and isinstance(count, int))
    _checked(len(many) * max(count, 0) <= MAX_SIZE)
    return Fold(many * count, "repeated")


def _modulo(left: Constant, right: Constant) -> Fold:
    if isinstance(left, int) and isinstance(right, int):
        return Fold(left % right)
    _checked(isinstance(left, str) and "%" not in _SIMPLE_PERCENT.sub("", left))
    values = right if isinstance(right, tuple) else right.values() if isinstance(right, dict) else (right,)
    longest = max((_length(value) for value in values), default=0)
    _checked(len(left) + left.count("%") * longest <= MAX_SIZE)
    return Fold(left % right, "formatted")


def _power(left: Constant, right: Constant) -> Fold:
    _checked(isinstance(left, int) and isinstance(right, int) and 0 <= right <= _MAX_BITS)
    _checked(left.bit_length() * right <= _MAX_BITS)
    return Fold(left**right)


def _shift(left: Constant, right: Constant) -> Fold:
    _checked(isinstance(left, int) and isinstance(right, int) and 0 <= right <= _MAX_BITS)
    return Fold(_number(left << right))


def _numbers(compute: Callable[[int, int], object], step: str = "") -> Callable[[Constant, Constant], Fold]:
    def apply(left: Constant, right: Constant) -> Fold:
        _checked(isinstance(left, int | float) and isinstance(right, int | float))
        return Fold(_number(compute(left, right)), step)

    return apply


def _number(value: object) -> object:
    _checked(not isinstance(value, int) or value.bit_length() <= _MAX_BITS)
    return value


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | bytes) else 5000 if isinstance(value, int) else MAX_SIZE


_BINARY: Mapping[type[ast.operator], Callable[[Constant, Constant], Fold]] = {
    ast.Add: _add,
    ast.BitAnd: _numbers(lambda left, right: left & right),
    ast.BitOr: _numbers(lambda left, right: left | right),
    ast.BitXor: _numbers(lambda left, right: left ^ right, "xor"),
    ast.Div: _numbers(lambda left, right: left / right),
    ast.FloorDiv: _numbers(lambda left, right: left // right),
    ast.LShift: _shift,
    ast.Mod: _modulo,
    ast.Mult: _multiply,
    ast.Pow: _power,
    ast.RShift: _numbers(lambda left, right: left >> right),
    ast.Sub: _numbers(lambda left, right: left - right),
}


def _join(separator: Constant, parts: Constant) -> Fold:
    elements = bounded(parts)
    _checked(sum(len(part) for part in elements) + len(separator) * len(elements) <= MAX_SIZE)
    return Fold(separator.join(elements), "concatenated")


def _replace(text: Constant, old: Constant, new: Constant, count: int = -1) -> Fold:
    _checked(isinstance(text, str | bytes) and len(text) + (text.count(old) + 1) * len(new) <= MAX_SIZE)
    return Fold(text.replace(old, new, count), "replaced")


def _translate(text: Constant, table: Constant) -> Fold:
    if isinstance(table, dict):
        longest = max((len(new) for new in table.values() if isinstance(new, str)), default=1)
        _checked(len(text) * longest <= MAX_SIZE)
    return Fold(text.translate(table), "translated")


def _encode(text: Constant, encoding: str = "utf-8", *_errors: object) -> Fold:
    _checked(isinstance(text, str) and encoding.lower().replace("_", "-") in _CHARACTER_SETS)
    return Fold(text.encode(encoding, "replace"))


def _decode(data: Constant, encoding: str = "utf-8", *_errors: object) -> Fold:
    _checked(isinstance(data, bytes) and encoding.lower().replace("_", "-") in _CHARACTER_SETS)
    return Fold(data.decode(encoding, "replace"))


def _format(template: Constant, *arguments: Constant) -> Fold:
    _checked(isinstance(template, str))
    _checked(not {"{", "}"} & {found[0] for found in _SIMPLE_BRACES.finditer(template)})
    _checked(len(template) + template.count("{") * max(map(_length, arguments), default=0) <= MAX_SIZE)
    return Fold(template.format(*arguments), "formatted")


def _to_bytes(number: Constant, length: int = 1, order: str = "big") -> Fold:
    _checked(isinstance(number, int) and length <= MAX_SIZE and order in {"big", "little"})
    return Fold(number.to_bytes(length, "big" if order == "big" else "little"), "number")


def _plain(name: str, step: str = "") -> Callable[..., Fold]:
    def call(subject: Constant, *arguments: Constant) -> Fold:
        _checked(isinstance(subject, str | bytes))
        return Fold(getattr(subject, name)(*arguments), step)

    return call


def _get(table: Constant, key: Constant, default: Constant = None) -> Fold:
    _checked(isinstance(table, dict))
    return Fold(table.get(key, default))


_METHODS: Mapping[str, Callable[..., Fold]] = {
    "join": _join,
    "replace": _replace,
    "translate": _translate,
    "encode": _encode,
    "decode": _decode,
    "format": _format,
    "get": _get,
    "to_bytes": _to_bytes,
    "keys": lambda table: Fold(list(table.keys())),
    "values": lambda table: Fold(list(table.values())),
    "items": lambda table: Fold(list(table.items())),
    "copy": lambda table: Fold(table.copy()),
    "hex": lambda data: Fold(data.hex()),
    **{name: _plain(name) for name in ("strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "partition")},
    **{name: _plain(name, "recased") for name in ("lower", "upper", "title", "capitalize", "casefold", "swapcase")},
    **{name: _plain(name, "sliced") for name in ("removeprefix", "removesuffix")},
}


def _bytes(value: Constant = b"", *_encoding: object) -> Fold:
    if isinstance(value, str):
        return Fold(value.encode("utf-8", "replace"))
    if isinstance(value, bytes):
        return Fold(value)
    _checked(not isinstance(value, int))
    return Fold(bytes(bounded(value)), "chr")


def _text(value: Constant = "", *encoding: Constant) -> Fold:
    if isinstance(value, bytes) and encoding:
        return _decode(value, *encoding)
    _checked(isinstance(value, str) or (isinstance(value, int) and value.bit_length() <= _MAX_BITS))
    return Fold(str(value))


def _integer(value: Constant = 0, base: int | None = None) -> Fold:
    _checked(isinstance(value, int | float) or len(value) <= _MAX_BITS // 4)
    return Fold(int(value) if base is None else int(value, base))


def _range(*bounds: int) -> Fold:
    _checked(len(range(*bounds)) <= MAX_SIZE)
    return Fold(list(range(*bounds)))


def _reversed(values: Constant) -> Fold:
    return Fold(bounded(values)[::-1], "reversed")


def _enumerated(values: Constant, start: int = 0) -> Fold:
    return Fold(list(enumerate(bounded(values), start)))


_FUNCTIONS: Mapping[str, Callable[..., Fold]] = {
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.chr": lambda code: Fold(chr(code), "chr"),
    "builtins.dict": lambda pairs=(): Fold(dict(pairs)),
    "builtins.dict.fromkeys": lambda keys, value=None: Fold(dict.fromkeys(keys, value)),
    "builtins.enumerate": _enumerated,
    "builtins.int": _integer,
    "builtins.len": lambda values: Fold(len(values)),
    "builtins.list": lambda values=(): Fold(bounded(values)),
    "builtins.memoryview": _bytes,
    "builtins.ord": lambda character: Fold(ord(character)),
    "builtins.range": _range,
    "builtins.reversed": _reversed,
    "builtins.sorted": lambda values: Fold(sorted(bounded(values))),
    "builtins.str": _text,
    "builtins.str.join": _join,
    "builtins.str.maketrans": lambda *tables: Fold(str.maketrans(*tables)),
    "builtins.bytes.maketrans": lambda *tables: Fold(bytes.maketrans(*tables)),
    "builtins.tuple": lambda values=(): Fold(tuple(bounded(values))),
    "builtins.zip": lambda *rows: Fold(list(zip(*map(bounded, rows), strict=False))),
    "builtins.bytes.decode": _decode,
    "builtins.str.encode": _encode,
}
FUNCTIONS = frozenset(_FUNCTIONS)
