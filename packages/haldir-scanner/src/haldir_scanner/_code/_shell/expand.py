"""Expansion of words: what a command is given when the shell is done with them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.parameters import arithmetic, expanded
from haldir_scanner._code._shell.parser import Parser
from haldir_scanner._code._shell.sensitive import issuer_of_key, taint_of_file
from haldir_scanner._code._shell.syntax import Arithmetic, Literal, Part, Substitution, Variable, Word
from haldir_scanner._code._shell.value import (
    BACKSLASH,
    GLOB,
    INPUT,
    KEY,
    NOTHING,
    QUOTES,
    SECRET,
    SEPARATOR,
    TOKEN,
    VARIABLE,
    Value,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from haldir_scanner._code._shell.machine import Machine

_INDEX = re.compile(r"\[([^\]]{0,40})\]")
_BRACES = re.compile(r"\{([^{}\s]*,[^{}\s]*)\}")
# Variables that every shell has, of which it matters what they hold.
_GIVEN: dict[str, list[Value]] = {"SHELL": [Value("/bin/sh")]}
_POSITIONAL = re.compile(r"[0-9]+|[@*]")
# A path tells what it leads to although the home folder in it is not known.
_SECRETS = frozenset({SECRET, TOKEN})
# What a glob in place of a command is meant to find.
_PROGRAMS = tuple(
    folder + name
    for folder in ("/bin/", "/usr/bin/")
    for name in ("bash", "sh", "cat", "curl", "wget", "nc", "python3", "python", "perl", "base64", "node", "openssl")
)


def fields(machine: Machine, words: Sequence[Word]) -> list[Value]:
    """The fields that the words become."""
    found: list[Value] = []
    for word in words:
        found += _fields(machine, word)
    return found


def whole(machine: Machine, word: Word) -> Value:
    """The word as one field, as in an assignment."""
    pieces = [_part(machine, part, word, place) for place, part in enumerate(word.parts)]
    return _with_tricks_of_quotes(joined(pieces), word)


def _fields(machine: Machine, word: Word) -> list[Value]:
    machine.budget.spend()
    if len(word.parts) == 1 and isinstance(word.parts[0], Literal):
        return _braces(word.parts[0])
    fields_: list[list[Value]] = [[]]
    has_quotes = False
    for place, part in enumerate(word.parts):
        value = _part(machine, part, word, place)
        machine.budget.spend(1 + len(value.text) // 256)
        has_quotes = has_quotes or part.quoted
        if part.quoted and isinstance(part, Variable) and part.name == "@" and machine.arguments is not None:
            given = [argument.behind(VARIABLE) for argument in machine.arguments]
            fields_[-1] += given[:1]
            fields_ += [[argument] for argument in given[1:]]
        elif part.quoted or isinstance(part, Literal | Arithmetic) or not value.is_known:
            fields_[-1].append(value)
        else:
            _split(value, fields_)
    found = [joined(field) for field in fields_ if field]
    if len(found) == 1:
        found = [_with_tricks_of_quotes(found[0], word)]
    return [value for value in found if value.text or has_quotes]


def _split(value: Value, fields_: list[list[Value]]) -> None:
    """Add an unquoted value, which becomes several fields where it has blanks."""
    pieces = re.split(r"\s+", value.text)
    fields_[-1].append(Value(pieces[0], value.is_known, value.taints, value.tricks))
    fields_ += [[Value(piece, value.is_known, value.taints, value.tricks)] for piece in pieces[1:]]


def _braces(part: Literal) -> list[Value]:
    """The fields of a word that is nothing but text."""
    tricks = (part.trick,) if part.trick else ()
    if part.quoted:
        return [Value(part.text, tricks=tricks)]
    match = _BRACES.fullmatch(part.text)
    if match:
        return [Value(text, tricks=("braces",)) for text in match[1].split(",") if text]
    if part.text.startswith("/") and ("?" in part.text or "*" in part.text or "[" in part.text) and len(part.text) < 40:
        named = [program for program in _PROGRAMS if fnmatchcase(program, part.text)]
        if named and part.text.count("/") == named[0].count("/") and not part.text.endswith("/*"):
            return [Value(named[0], tricks=(GLOB,))]
    return [Value(part.text, tricks=tricks)]


def _with_tricks_of_quotes(value: Value, word: Word) -> Value:
    for before, after in zip(word.parts, word.parts[1:], strict=False):
        if isinstance(before, Literal) and isinstance(after, Literal) and _splits_a_name(before, after):
            return value.derived(value.text, QUOTES)
    return value


def _splits_a_name(before: Literal, after: Literal) -> bool:
    """Whether quotes stand between two letters, where they change nothing but the looks."""
    if before.trick or after.trick or not (before.quoted or after.quoted):
        return False
    left, right = before.text[-1:], after.text[:1]
    return (left.isalnum() or (not left and before.quoted)) and (right.isalnum() or (not right and after.quoted))


def _part(machine: Machine, part: Part, word: Word, index: int) -> Value:
    if isinstance(part, Literal):
        # A backslash in front only means that no alias is meant.
        is_trick = part.trick and not (index == 0 and part.trick == BACKSLASH)
        return Value(part.text, tricks=(part.trick,)) if is_trick else Value(part.text)
    if isinstance(part, Arithmetic):
        return _arithmetic(machine, part)
    if isinstance(part, Substitution):
        return _substitution(machine, part)
    if part.name in {"@", "*", "9"} and not part.rest and _is_filler(word.parts, index):
        return Value(tricks=(QUOTES,))
    return variable(machine, part, word.begin)


def _is_filler(parts: list[Part], index: int) -> bool:
    """Whether an empty variable stands amid letters, or behind the field separator, so that it ends its name."""
    before = parts[index - 1] if index else None
    after = parts[index + 1] if index + 1 < len(parts) else None
    if isinstance(before, Variable) and before.name == "IFS":
        return True
    return (
        isinstance(before, Literal)
        and isinstance(after, Literal)
        and before.text[-1:].isalpha()
        and after.text[:1].isalpha()
    )


def _arithmetic(machine: Machine, part: Arithmetic) -> Value:
    expression = re.sub(r"\$?\b([A-Za-z_]\w*)", lambda match: _plain_text(machine, match[1]), part.expression[:200])
    number = arithmetic(expression)
    return Value(part.source, is_known=False) if number is None else Value(str(number), tricks=("arithmetic",))


def _plain_text(machine: Machine, name: str) -> str:
    values = machine.variables.get(name, [])
    return values[0].text if values and values[0].is_known else name


def _substitution(machine: Machine, part: Substitution) -> Value:
    output = machine.run(machine, part.body, NOTHING)
    opening = part.kind + "("
    if part.kind == "$" and output.value.is_known and (output.value.text or not part.body):
        return output.value.derived(output.value.text.rstrip("\n"), "substitution")
    value = Value(f"{opening}{output.normal})", is_known=False, taints=output.value.taints, tricks=output.value.tricks)
    if part.kind == "$":
        return value
    machine.write(value.text, output.value)
    return Value(value.text, is_known=False, taints=value.taints)


def variable(machine: Machine, part: Variable, place: int) -> Value:
    """What an expansion of a parameter gives."""
    if part.name == "IFS" and (not part.rest or part.rest[0] in ":%#"):
        return Value(" ", tricks=(SEPARATOR,))
    values, rest = _values(machine, part)
    if rest[:1] in {"!", "#"} and part.source.startswith("${" + rest[:1]):
        return _indirect(machine, part, values, rest)
    if values is None:
        return _unset(machine, part, rest, place)
    value = joined(values, " ")
    if rest:
        return _operated(machine, part, value, rest)
    if value.is_known or value.text.startswith("$(") or taint_of_file(value.text) in _SECRETS:
        return value.behind(VARIABLE)
    return Value(part.source, is_known=False, taints=value.taints)


def _operated(machine: Machine, part: Variable, value: Value, rest: str) -> Value:
    """A parameter that is set, as an operator changes it."""
    if rest.lstrip(":")[:1] == "+":
        return Value(_operand(machine, rest.lstrip(":")[1:]), tricks=(VARIABLE,))
    changed = expanded(value, rest, lambda text: _operand(machine, text)) if value.is_known else None
    if changed is None:
        return Value(part.source, is_known=False, taints=value.taints)
    return changed.behind(VARIABLE)


def _values(machine: Machine, part: Variable) -> tuple[list[Value] | None, str]:
    """The values of a parameter and the operator; None for one that is not set."""
    index = _INDEX.match(part.rest)
    rest = part.rest[index.end() :] if index else part.rest
    if _POSITIONAL.fullmatch(part.name):
        return _positional(machine, part.name), rest
    values = machine.variables.get(part.name, _GIVEN.get(part.name))
    if index is None:
        return values[:1] if values is not None else None, rest
    key = _operand(machine, index[1])
    if key in {"@", "*"}:
        return values, rest
    single = machine.variables.get(f"{part.name}[{key}]")
    if single is not None:
        return single, rest
    number = arithmetic(key)
    if values is None or number is None or not -len(values) <= number < len(values):
        return None, rest
    return [values[number]], rest


def _positional(machine: Machine, name: str) -> list[Value] | None:
    if machine.arguments is None or name == "0":
        return None
    if name in {"@", "*"}:
        return machine.arguments
    return machine.arguments[int(name[:3]) - 1 : int(name[:3])]


def _indirect(machine: Machine, part: Variable, values: list[Value] | None, rest: str) -> Value:
    if not values or not values[0].is_known:
        return Value(part.source, is_known=False)
    if rest[0] == "#":
        return Value(str(len(values[0].text)), tricks=("length",))
    target = machine.variables.get(values[0].text)
    return target[0].derived(target[0].text, "indirection") if target else Value(part.source, is_known=False)


def _unset(machine: Machine, part: Variable, rest: str, place: int) -> Value:
    """A parameter that the script itself does not set: of its caller, or its default."""
    taints: dict[str, int] = {}
    if machine.arguments is None and (part.name in {"@", "*"} or (part.name.isdecimal() and part.name != "0")):
        taints[INPUT] = place
    issuer = issuer_of_key(part.name)
    if issuer:
        taints[KEY + issuer] = place
    if rest[:2] in {":-", ":="} or rest[:1] in {"-", "="}:
        default = _operand(machine, rest.lstrip(":")[1:])
        if rest.lstrip(":")[0] == "=" and part.name.isidentifier():
            machine.variables[part.name] = [Value(default, "$" not in default, taints, (VARIABLE,))]
        return Value(default or part.source, bool(default) and "$" not in default, taints, (VARIABLE,))
    if rest.lstrip(":")[:1] == "+":
        return Value(tricks=(VARIABLE,))
    return Value(part.source, is_known=False, taints=taints)


def _operand(machine: Machine, text: str) -> str:
    """The text of an operand, in which variables may stand."""
    if not any(character in text for character in "$`'\"\\"):
        return text
    if machine.depth > 6:
        return text
    machine.budget.spend(1 + len(text) // 16)
    reader = Parser(text.replace(" ", "\xa0"), machine.budget, depth=8)
    parts = []
    while reader.at < len(text):
        word = reader.word()
        parts.append(whole(machine, word).text if word else text[reader.at : reader.at + 1])
        reader.at += 0 if word else 1
    return "".join(parts).replace("\xa0", " ")
