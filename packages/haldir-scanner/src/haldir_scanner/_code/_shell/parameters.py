"""Expansion of ``${name operator operand}``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.value import SLICE, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE = re.compile(r":\s*\(?\s*(-?\s?\d{1,7}|\$?\w{1,20})\s*\)?(?::\s*(-?\d{1,7}|\$?\w{1,20})\s*)?")
_SUM = re.compile(r"[-+]?\s*\d{1,9}(?:\s*[-+*/%]\s*\d{1,9}){0,20}\s*")
_TERM = re.compile(r"([-+*/%]?)\s*(\d+)")
# A star is tried at every place with every length, so only short texts are searched for one.
_LONGEST_PATTERN = 400


_CASES: dict[str, Callable[[str], str]] = {
    "^^": str.upper,
    ",,": str.lower,
    "^": lambda text: text[:1].upper() + text[1:],
    ",": lambda text: text[:1].lower() + text[1:],
}


def arithmetic(expression: str) -> int | None:
    """The value of a sum of products of numbers; None for what is not one."""
    if not _SUM.fullmatch(expression.strip()):
        return None
    total, product = 0, 0
    for operator, digits in _TERM.findall(expression):
        number = int(digits)
        if operator in {"", "+", "-"}:
            total += product
            product = -number if operator == "-" else number
        elif operator == "*":
            product *= number
        elif number == 0:
            return None
        else:
            product = product // number if operator == "/" else product % number
    return total + product


def expanded(value: Value, rest: str, resolve: Callable[[str], str]) -> Value | None:
    """``value`` as an operator changes it; None if the operator is not understood.

    Args:
        value: of the parameter, known.
        rest: what stands behind its name between the braces.
        resolve: gives the text of an operand.
    """
    if rest[:1] == ":" and rest[1:2] not in {"-", "=", "+", "?"}:
        return _sliced(value, rest, resolve)
    if rest[:1] == "/":
        return _replaced(value, rest, resolve)
    if rest[:1] in {"#", "%"}:
        return _trimmed(value, rest, resolve)
    if rest[:1] in {"^", ","}:
        return _cased(value, rest)
    return value if rest[:1] in {":", "-", "=", "?"} else None


def _sliced(value: Value, rest: str, resolve: Callable[[str], str]) -> Value | None:
    match = _SLICE.fullmatch(resolve(rest))
    if match is None:
        return None
    begin, length = arithmetic(match[1].replace(" ", "")), arithmetic(match[2] or "0")
    if begin is None or length is None:
        return None
    tail = value.text[begin:] if begin >= -len(value.text) else ""
    if match[2] is None:
        return value.derived(tail, SLICE)
    return value.derived(tail[:length], SLICE)


def _replaced(value: Value, rest: str, resolve: Callable[[str], str]) -> Value | None:
    everywhere = rest.startswith("//")
    pattern, _, replacement = rest[1 + everywhere :].partition("/")
    anchor = pattern[:1] if pattern[:1] in {"#", "%"} and not everywhere else ""
    expression = _pattern(resolve(pattern[len(anchor) :]), value.text, greedy=True)
    if expression is None:
        return None
    expression = {"#": "^", "%": ""}.get(anchor, "") + expression + ("$" if anchor == "%" else "")
    new = resolve(replacement)
    text = re.sub(expression, lambda _: new, value.text, count=0 if everywhere else 1, flags=re.DOTALL)
    return value.derived(text, "replacement")


def _trimmed(value: Value, rest: str, resolve: Callable[[str], str]) -> Value | None:
    operator = rest[0]
    greedy = rest[:2] == operator * 2
    expression = _pattern(resolve(rest[1 + greedy :]), value.text, greedy=greedy)
    if expression is None:
        return None
    if operator == "#":
        text = re.sub("^" + expression, "", value.text, count=1, flags=re.DOTALL)
        return value.derived(text)
    # The shortest end is found from the right, so that the search stays short.
    lead = ".*" if not greedy else ".*?"
    match = re.fullmatch(f"({lead}){expression}", value.text, flags=re.DOTALL)
    return value.derived(match[1]) if match else value


def _pattern(glob: str, text: str, *, greedy: bool) -> str | None:
    """A glob as a regular expression; None if searching ``text`` for it could take long."""
    stars = glob.count("*")
    if not glob or "[" in glob or stars > 1 or len(glob) > _LONGEST_PATTERN or (stars and len(text) > _LONGEST_PATTERN):
        return None
    table = {"*": ".*" if greedy else ".*?", "?": "."}
    return "".join(table.get(character, re.escape(character)) for character in glob)


def _cased(value: Value, rest: str) -> Value | None:
    change = _CASES.get(rest)
    return value.derived(change(value.text), "case") if change else None
