"""Operators on values that are partly known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._javascript.value import UNKNOWN, Value, concatenated, union

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NUMERAL = re.compile(r"0x[0-9a-f]{1,12}|\d{1,15}")
_LARGEST = 1 << 52
_LOGICAL = frozenset({"||", "&&", "??"})
_ON_WHOLE: dict[str, Callable[[int, int], int]] = {
    "^": lambda left, right: left ^ right,
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "<<": lambda left, right: left << (right & 31),
    ">>": lambda left, right: left >> (right & 31),
    ">>>": lambda left, right: (left & 0xFFFFFFFF) >> (right & 31),
    "%": lambda left, right: left % right if right else 0,
}
_ON_NUMBERS: dict[str, Callable[[float, float], float]] = {
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right if right else 0.0,
}


def binary(operator: str, operands: Sequence[Value]) -> Value:
    """The value of ``a operator b operator c``."""
    if operator == "+":
        return _sum(operands)
    if operator in _LOGICAL:
        return _choice(operator, operands)
    numbers = [_as_number(operand) for operand in operands]
    if operator not in {*_ON_WHOLE, *_ON_NUMBERS} or any(number is None for number in numbers):
        return UNKNOWN
    total = numbers[0] or 0.0
    for number in numbers[1:]:
        right = number or 0.0
        if operator in _ON_WHOLE:
            total = float(_ON_WHOLE[operator](int(total), int(right)))
        else:
            total = _ON_NUMBERS[operator](total, right)
        if abs(total) > _LARGEST:
            return UNKNOWN
    chain = ("xor",) if operator == "^" else ()
    return Value(number=total, chain=chain)


def _as_number(value: Value) -> float | None:
    """The number that a value is or, as a text, names."""
    if value.number is None and value.known is not None and _NUMERAL.fullmatch(value.known):
        return float(int(value.known, 0)) if value.known[:2] == "0x" else float(value.known)
    return value.number


def _sum(operands: Sequence[Value]) -> Value:
    if all(operand.number is not None for operand in operands):
        total = sum(operand.number or 0.0 for operand in operands)
        return Value(number=total) if abs(total) < _LARGEST else UNKNOWN
    whole = concatenated(operands)
    if all(operand.text is None for operand in operands):
        return Value(taints=whole.taints)
    return whole


def _choice(operator: str, operands: Sequence[Value]) -> Value:
    """One of the operands: the first one if it surely is."""
    first = operands[0]
    if operator in {"||", "??"} and (first.known or first.items is not None or first.function is not None):
        return first
    chosen = union(operands)
    last = operands[-1]
    if last.known is not None:
        return Value(text=last.text, taints=chosen.taints, chain=last.chain)
    return chosen


def unary(operator: str, operand: Value) -> Value:
    """The value of ``operator a``."""
    if operator in {"-", "+", "~"} and operand.number is not None:
        number = {"-": -operand.number, "+": operand.number, "~": float(~int(operand.number))}[operator]
        return Value(number=number)
    return UNKNOWN
