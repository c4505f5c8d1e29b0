"""The value of each kind of expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from haldir_scanner._code._javascript import texts
from haldir_scanner._code._javascript.evaluation import HOSTS, Evaluator, Frame
from haldir_scanner._code._javascript.operators import binary, unary
from haldir_scanner._code._javascript.value import (
    ESCAPES,
    HOLE,
    MOST_ITEMS,
    UNKNOWN,
    Value,
    concatenated,
    mixed,
    union,
)
from haldir_scanner._code._shell.value import ENVIRONMENT, INPUT

if TYPE_CHECKING:
    from tree_sitter import Node

    from haldir_scanner._code._javascript.evaluation import Handler
    from haldir_scanner._code._javascript.scopes import Scope

_MOST_FIELDS = 64


def _identifier(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    value = evaluator.named(evaluator.program.text(node), scope, frame)
    return _located(value, node)


def _located(value: Value, node: Node) -> Value:
    """The environment, or the arguments, have their origin where they are named."""
    if value.name == "process.env" and ENVIRONMENT not in value.taints:
        return value.tainted(ENVIRONMENT, node.start_byte)
    if value.name in {"process.argv", "Deno.args", "Bun.argv"} and INPUT not in value.taints:
        return value.tainted(INPUT, node.start_byte)
    return value


def _string(evaluator: Evaluator, node: Node, __: Scope, ___: Frame | None) -> Value:
    source = evaluator.program.text(node)[1:-1].decode("utf-8", "replace")
    text, hides = texts.unescaped(source)
    return Value(text=text, chain=(ESCAPES,) if hides else ())


def _template(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    pieces: list[Value] = []
    for child in node.named_children[:MOST_ITEMS]:
        if child.type == "template_substitution":
            inner = child.named_children[:1]
            pieces += [evaluator.value(inner[0], scope, frame)] if inner else []
        else:
            text, hides = texts.unescaped(evaluator.program.string(child))
            pieces.append(Value(text=text, chain=(ESCAPES,) if hides else ()))
    is_plain = all(child.type != "template_substitution" for child in node.named_children)
    whole = concatenated(pieces, "" if is_plain else "template")
    evaluator.budget.spend(len(whole.text or "") // 256)
    return whole if pieces else Value(text="")


def _number(evaluator: Evaluator, node: Node, __: Scope, ___: Frame | None) -> Value:
    text = evaluator.program.text(node).decode("ascii", "replace").replace("_", "").lower()[:40]
    try:
        return Value(number=float(int(text, 0) if text[:2] in {"0x", "0o", "0b"} else float(text)))
    except (ValueError, OverflowError):
        return UNKNOWN


def _member(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    owner, key = node.child_by_field_name("object"), node.child_by_field_name("property")
    if owner is None or key is None:
        return UNKNOWN
    text, hides = texts.unescaped(evaluator.program.string(key))
    value = evaluator.member(evaluator.value(owner, scope, frame), Value(text=text, chain=(ESCAPES,) if hides else ()))
    return _located(value, node)


def _subscript(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    owner, index = node.child_by_field_name("object"), node.child_by_field_name("index")
    if owner is None or index is None:
        return UNKNOWN
    whole = evaluator.value(owner, scope, frame)
    key = evaluator.value(index, scope, frame)
    if whole.name and key.known and (index.type != "string" or whole.name in HOSTS):
        key = key.behind("computed")
    return _located(evaluator.member(whole, key), node)


def _array(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    elements = [child for child in node.named_children[:MOST_ITEMS] if child.type != "comment"]
    items = evaluator.many(elements, scope, frame)
    return evolve(mixed(items), items=tuple(items))


def _object(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    fields: dict[str, Value] = {}
    rest: list[Value] = []
    for child in node.named_children[:_MOST_FIELDS]:
        if child.type == "pair":
            key, inner = child.child_by_field_name("key"), child.child_by_field_name("value")
            if key is None or inner is None:
                continue
            name = (
                evaluator.value(key.named_children[0], scope, frame).known
                if key.type == "computed_property_name"
                else (evaluator.program.string(key).strip("\"'"))
            )
            fields[name or HOLE] = evaluator.value(inner, scope, frame)
        elif child.type == "shorthand_property_identifier":
            fields[evaluator.program.string(child)] = _identifier(evaluator, child, scope, frame)
        elif child.type == "spread_element":
            rest.append(evaluator.value(child, scope, frame))
    for value in rest:
        fields.update(value.fields or {})
    return evolve(mixed([*fields.values(), *rest]), fields=fields)


def _function(_: Evaluator, node: Node, __: Scope, ___: Frame | None) -> Value:
    return Value(function=node)


def _ternary(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    branches = [node.child_by_field_name("consequence"), node.child_by_field_name("alternative")]
    return union(evaluator.value(branch, scope, frame) for branch in branches if branch is not None)


def _last(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    """The last of the expressions, of which a chain may be long."""
    inner: Node | None = node
    while inner is not None and inner.type == "sequence_expression":
        inner = inner.child_by_field_name("right") or (inner.named_children[-1] if inner.named_children else None)
    value = evaluator.value(inner, scope, frame) if inner is not None else UNKNOWN
    return value.behind("sequence") if value.name == "eval" else value


def _right(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    right = node.child_by_field_name("right")
    return evaluator.value(right, scope, frame) if right is not None else UNKNOWN


def _binary(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    operands: list[Node] = []
    operator = _operator(node)
    inner: Node | None = node
    while inner is not None and inner.type == "binary_expression" and _operator(inner) == operator:
        right = inner.child_by_field_name("right")
        operands += [right] if right is not None else []
        inner = inner.child_by_field_name("left")
    operands += [inner] if inner is not None else []
    evaluator.budget.spend(len(operands) // 8)
    found = binary(operator, [evaluator.value(operand, scope, frame) for operand in reversed(operands)])
    evaluator.budget.spend(len(found.text or "") // 256)
    return found


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def _unary(evaluator: Evaluator, node: Node, scope: Scope, frame: Frame | None) -> Value:
    argument = node.child_by_field_name("argument")
    return unary(_operator(node), evaluator.value(argument, scope, frame)) if argument is not None else UNKNOWN


def _regex(evaluator: Evaluator, node: Node, __: Scope, ___: Frame | None) -> Value:
    """A pattern that is nothing but text is known by that, with a letter before it for its flag."""
    pattern = node.child_by_field_name("pattern")
    flags = node.child_by_field_name("flags")
    text = evaluator.program.string(pattern) if pattern is not None else ""
    plain = texts.plain_pattern(text)
    everywhere = "g" if flags is not None and b"g" in evaluator.program.text(flags) else "1"
    return Value(name=f"regex:{everywhere}{plain}") if plain else Value(name="regex")


HANDLERS: dict[str, Handler] = {
    "array": _array,
    "arrow_function": _function,
    "assignment_expression": _right,
    "augmented_assignment_expression": _right,
    "binary_expression": _binary,
    "function_expression": _function,
    "generator_function": _function,
    "identifier": _identifier,
    "member_expression": _member,
    "number": _number,
    "object": _object,
    "regex": _regex,
    "sequence_expression": _last,
    "string": _string,
    "subscript_expression": _subscript,
    "template_string": _template,
    "ternary_expression": _ternary,
    "unary_expression": _unary,
    "update_expression": lambda *_: UNKNOWN,
}
