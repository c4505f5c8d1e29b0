"""Abstract evaluation of the expressions of a program, on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, evolve, field

from haldir_scanner._code._javascript import names, texts
from haldir_scanner._code._javascript.operators import binary, unary
from haldir_scanner._code._javascript.scopes import Binding, Kind, Program, Scope
from haldir_scanner._code._javascript.value import (
    ESCAPES,
    HOLE,
    MOST_ITEMS,
    UNKNOWN,
    Budget,
    Value,
    concatenated,
    mixed,
    union,
)
from haldir_scanner._code._shell.sensitive import issuer_of_key
from haldir_scanner._code._shell.value import ENVIRONMENT, INPUT, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tree_sitter import Node

    Handler = Callable[["Evaluator", Node, Scope, "Frame | None"], Value]

_DEEPEST = 40
_MOST_BINDINGS = 12
_MOST_FIELDS = 64
# Properties that tell about a thing without being a part of it.
_ABOUT = frozenset({"length", "size", "status", "statusCode", "ok", "statusText", "headers", "code", "type", "name"})
# What has properties that nobody writes between brackets.
_HOSTS = frozenset({"globalThis", "module", "process", "process.mainModule"})
_WRAPPERS = frozenset(
    {
        "as_expression", "await_expression", "non_null_expression", "parenthesized_expression", "satisfies_expression",
        "spread_element", "type_assertion", "yield_expression",
    }
)  # fmt: skip


@define
class Frame:
    """The arguments of one call, by function and index, and what is known of expressions because of them."""

    arguments: dict[tuple[int, int], Value]
    known: dict[int, Value] = field(factory=dict)


class Evaluator:
    """Evaluates the expressions of one program; what functions do is known to a subclass."""

    def __init__(self, program: Program, budget: Budget) -> None:
        self.program = program
        self.budget = budget
        self._known: dict[int, Value] = {}
        self._depth = 0
        self._names: dict[tuple[int, bytes], Value] = {}

    def value(self, node: Node, scope: Scope, frame: Frame | None = None) -> Value:
        """What is known of the value of an expression; ``frame`` gives the arguments of one call."""
        memory = self._known if frame is None else frame.known
        known = memory.get(node.id)
        if known is not None:
            return known
        if self._depth >= _DEEPEST:
            return UNKNOWN
        self.budget.spend()
        memory[node.id] = UNKNOWN  # for an expression that needs itself
        self._depth += 1
        found = self._evaluated(node, scope, frame)
        self._depth -= 1
        memory[node.id] = found
        return found

    def _evaluated(self, node: Node, scope: Scope, frame: Frame | None) -> Value:
        kind = node.type
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node, scope, frame)
        if kind in {"call_expression", "new_expression"}:
            return self.call(node, scope, frame)
        if kind in _WRAPPERS:
            # A type assertion of TypeScript names the type first.
            children = node.named_children[-1:] if kind == "type_assertion" else node.named_children[:1]
            return self.value(children[0], scope, frame) if children else UNKNOWN
        return UNKNOWN

    def named(self, name: bytes, scope: Scope, frame: Frame | None = None) -> Value:
        """What is known of the value of a name."""
        bindings = scope.find(name)
        if not bindings:
            plain = name.decode("utf-8", "replace")
            if "\\u" in plain:
                plain = texts.unescaped(plain)[0]
                return evolve(_global(plain), chain=(ESCAPES,))
            return _global(plain)
        if frame is not None:
            return self._bound(bindings, frame)
        key = (id(bindings), b"")
        known = self._names.get(key)
        if known is None:
            self._names[key] = UNKNOWN
            known = self._names[key] = self._bound(bindings, None)
        return known

    def _bound(self, bindings: list[Binding], frame: Frame | None) -> Value:
        values = [self._binding(binding, frame) for binding in bindings[:_MOST_BINDINGS]]
        if len(bindings) == 1:
            return values[0]
        kinds = {binding.kind for binding in bindings[1:]}
        if kinds == {Kind.APPENDED} and len(bindings) <= _MOST_BINDINGS and values[0].text is not None:
            return concatenated(values)
        if kinds <= {Kind.GROWN, Kind.APPENDED}:
            whole = union(values)
            return evolve(whole, name=values[0].name, function=values[0].function)
        return union(values)

    def _binding(self, binding: Binding, frame: Frame | None) -> Value:
        if binding.kind is Kind.FUNCTION:
            return Value(function=binding.node)
        if binding.kind is Kind.IMPORTED:
            value = self.value(binding.node, binding.scope)
            value = Value(name=names.module(value.text or ""))
        elif binding.kind is Kind.PARAMETER:
            value = self._parameter(binding, frame)
        else:
            value = self.value(binding.node, binding.scope, frame)
        if binding.kind is Kind.ELEMENT:
            return mixed((value,))
        if binding.kind is Kind.GROWN:
            return mixed((value,))
        for key in binding.path:
            value = self.member(value, Value(text=str(key)) if isinstance(key, str) else Value(number=float(key)))
        return value

    def _parameter(self, binding: Binding, frame: Frame | None) -> Value:
        if frame is not None and (binding.node.id, binding.index) in frame.arguments:
            return frame.arguments[binding.node.id, binding.index]
        return self.parameter(binding.node, binding.index)

    def call(self, node: Node, scope: Scope, frame: Frame | None) -> Value:
        """What is known of what a call gives."""
        raise NotImplementedError

    def parameter(self, function: Node, index: int) -> Value:
        """What is known of a parameter over all calls of a function."""
        raise NotImplementedError

    def member(self, owner: Value, key: Value) -> Value:
        """A property of a value."""
        text = key.known
        if owner.name == "process.env" or (ENVIRONMENT in owner.taints and not owner.fields):
            return self._variable(owner, key)
        if owner.fields is not None and text is not None and text in owner.fields:
            return owner.fields[text]
        found = texts.element(owner, key)
        if found is not None:
            return found
        if text == "constructor" and owner.name not in _HOSTS:
            is_function = owner.function is not None or owner.name.startswith("ctor:")
            return Value(name="Function" if is_function else "ctor:", chain=key.chain or owner.chain)
        if owner.name and text:
            name = names.member(owner.name, text)
            chain = owner.chain + tuple(trick for trick in key.chain if trick not in owner.chain)
            return Value(name=name, taints=owner.taints, chain=chain if name else ())
        if text in _ABOUT or text is None and key.number is None and not owner.taints:
            return UNKNOWN
        return Value(taints=owner.taints)

    @staticmethod
    def _variable(owner: Value, key: Value) -> Value:
        """A variable of the environment: all of them only if the program goes through their names."""
        text = key.known
        place = owner.taints.get(ENVIRONMENT, 0)
        if text is None:
            return Value(taints={ENVIRONMENT: place}) if ENVIRONMENT in key.taints else UNKNOWN
        if text == "toObject":
            return Value(name="process.env.toObject", taints=owner.taints)
        issuer = issuer_of_key(text)
        return Value(taints={KEY + issuer: place}) if issuer else UNKNOWN

    def arguments(self, node: Node) -> list[Node]:
        """The arguments of a call."""
        given = node.child_by_field_name("arguments")
        if given is None:
            return []
        if given.type == "template_string":
            return [given]
        return [child for child in given.named_children if child.type != "comment"]

    def many(self, nodes: Sequence[Node], scope: Scope, frame: Frame | None = None) -> list[Value]:
        """The values of some expressions, of which an array may be spread."""
        found: list[Value] = []
        for node in nodes[:MOST_ITEMS]:
            value = self.value(node, scope, frame)
            if node.type == "spread_element" and value.items is not None:
                found += value.items
            else:
                found.append(value)
        return found


def _global(name: str) -> Value:
    if name in names.GLOBAL_OBJECTS:
        return Value(name="globalThis")
    if name == "undefined":
        return UNKNOWN
    return Value(name=name) if name in names.GLOBALS else UNKNOWN


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
    if whole.name and key.known and (index.type != "string" or whole.name in _HOSTS):
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
    return binary(operator, [evaluator.value(operand, scope, frame) for operand in reversed(operands)])


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


_HANDLERS: dict[str, Handler] = {
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
