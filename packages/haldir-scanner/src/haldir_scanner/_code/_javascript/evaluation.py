"""Abstract evaluation of the expressions of a program, on demand."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from haldir_scanner._code._javascript import names, texts
from haldir_scanner._code._javascript.scopes import Binding, Kind, Program, Scope
from haldir_scanner._code._javascript.value import (
    ESCAPES,
    MOST_ITEMS,
    UNKNOWN,
    Budget,
    Value,
    concatenated,
    mixed,
    union,
)
from haldir_scanner._code._shell.sensitive import issuer_of_key
from haldir_scanner._code._shell.value import ENVIRONMENT, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tree_sitter import Node

    Handler = Callable[["Evaluator", Node, Scope, "Frame | None"], Value]

_DEEPEST = 40
_MOST_BINDINGS = 12
_MOST_FIELDS = 64
# Properties that tell about a thing without being a part of it.
_ABOUT = frozenset({"length", "size", "status", "statusCode", "ok", "statusText", "headers"})
# What has properties that nobody writes between brackets.
HOSTS = frozenset({"globalThis", "module", "process", "process.mainModule"})
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
    """Evaluates the expressions of one program; what functions do is known to a subclass.

    ``handlers`` evaluate expressions by the kind of their node.
    """

    def __init__(self, program: Program, budget: Budget, handlers: Mapping[str, Handler]) -> None:
        self.program = program
        self._handlers = handlers
        self.budget = budget
        self._known: dict[int, Value] = {}
        self._depth = 0
        self._names: dict[int, Value] = {}
        self._limits: dict[int, int] = {}  # how many values a name has where one of them is evaluated

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
        handler = self._handlers.get(kind)
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
        key = id(bindings)
        if frame is not None:
            return self.rotated(self._bound(bindings, frame), key)
        known = self._names.get(key)
        if known is None or key in self._limits:
            known = self._bound(bindings, None)
            if key not in self._limits:
                self._names[key] = known = self.rotated(known, key)
        return known

    @abstractmethod
    def rotated(self, value: Value, key: int) -> Value:
        """The value of a name whose elements the program moves; ``key`` is the id of the bindings of the name."""

    def _bound(self, bindings: list[Binding], frame: Frame | None) -> Value:
        # A new value that is made of the old one only sees what was before it.
        key, outer = id(bindings), self._limits.get(id(bindings))
        shown = bindings[: min(_MOST_BINDINGS, len(bindings) if outer is None else outer)]
        values: list[Value] = []
        for place, binding in enumerate(shown):
            self._limits[key] = place
            values.append(self._binding(binding, frame))
        if outer is None:
            self._limits.pop(key, None)
        else:
            self._limits[key] = outer
        return self._merged(shown, values) if values else UNKNOWN

    @staticmethod
    def _merged(bindings: list[Binding], values: list[Value]) -> Value:
        """The value of a name that is given these."""
        if len(bindings) == 1:
            return values[0]
        if [binding.kind for binding in bindings] == [Kind.PARAMETER, Kind.VALUE] and values[1].number is not None:
            return values[1]
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

    @abstractmethod
    def call(self, node: Node, scope: Scope, frame: Frame | None) -> Value:
        """What is known of what a call gives."""

    @abstractmethod
    def parameter(self, function: Node, index: int) -> Value:
        """What is known of a parameter over all calls of a function."""

    def member(self, owner: Value, key: Value) -> Value:
        """A property of a value."""
        text = key.known
        is_list = key.number is not None and owner.name != "process.env"
        if not is_list and (owner.name == "process.env" or (ENVIRONMENT in owner.taints and not owner.fields)):
            return self._variable(owner, key)
        if owner.fields is not None and text is not None and text in owner.fields:
            return owner.fields[text]
        found = texts.element(owner, key)
        if found is not None:
            return found
        named = self._named_member(owner, key, text) if text else None
        if named is not None:
            return named
        return UNKNOWN if text in _ABOUT else Value(taints=owner.taints)

    @staticmethod
    def _named_member(owner: Value, key: Value, text: str) -> Value | None:
        """A property that the language itself gives; None if it is one of the program's own."""
        if text == "constructor" and owner.name not in HOSTS:
            is_function = owner.function is not None or owner.name.startswith("ctor:")
            return Value(name="Function" if is_function else "ctor:", chain=key.chain or owner.chain)
        if not owner.name:
            return None
        name = names.member(owner.name, text)
        chain = owner.chain + tuple(trick for trick in key.chain if trick not in owner.chain)
        return Value(name=name, taints=owner.taints, chain=chain if name else ())

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
