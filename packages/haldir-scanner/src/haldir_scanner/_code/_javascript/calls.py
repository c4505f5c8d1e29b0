"""What the calls of a program give, by what is known of the functions that they call."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from haldir_scanner._code._javascript import names
from haldir_scanner._code._javascript.evaluation import Evaluator, Frame
from haldir_scanner._code._javascript.expressions import HANDLERS
from haldir_scanner._code._javascript.scopes import Kind, Program, Scope
from haldir_scanner._code._javascript.sources import SOURCES, content, output
from haldir_scanner._code._javascript.texts import FUNCTIONS, METHODS
from haldir_scanner._code._javascript.value import MOST_ITEMS, UNKNOWN, Budget, Value, mixed, union
from haldir_scanner._code._shell.value import ENVIRONMENT, FETCHED, FILES, INPUT, WALLET_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

_MOST_CALLERS = 8
_DEEPEST_CALL = 4
# Functions that are evaluated once more for the arguments of a single call: their size in bytes, and how many.
_LONGEST_FRAMED = 1000
_MOST_FRAMED = 2500
_MOST_MAPPED = 2000
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
# Methods whose callback is given the elements of what they are called on.
_EACH = frozenset({"forEach", "map", "filter", "flatMap", "reduce", "some", "every", "find", "sort"})
_KEEPS_ALL = frozenset({"entries", "filter", "flat", "keys", "reduce", "sort", "values"})
_REQUESTS = frozenset({b"req", b"request"})
_HANDS_OVER = frozenset({"catch", "finally", "on", "once", "then", "addListener", "addEventListener", "pipe"})
_GIVES_BODY = frozenset(
    {"http.get", "https.get", "http.request", "https.request", "request", "request.get", "needle.get"}
)
_STANDARD_INPUT = frozenset({"process.stdin.on", "process.stdin.once"})
_RUNS_COMMAND = frozenset({"child_process.exec", "child_process.execFile"})


@frozen
class Target:
    """What a call calls: its value, what it is called on if it is a method, and the nodes of its arguments."""

    value: Value
    method: str
    receiver: Value
    arguments: tuple[Node, ...]


class Interpreter(Evaluator):
    """Evaluates the expressions of one program, calls included."""

    def __init__(self, program: Program, budget: Budget) -> None:
        super().__init__(program, budget, HANDLERS)
        self._nesting = 0
        self._framed = 0
        self._results: dict[int, Value] = {}
        self._parameters: dict[tuple[int, int], Value] = {}
        self._callers: dict[int, list[tuple[Node, Scope]]] = defaultdict(list)
        self._callbacks: dict[int, list[tuple[Node, Scope, int]]] = defaultdict(list)
        self._handed: dict[tuple[int, int], list[tuple[Node, Scope]]] = defaultdict(list)
        self._rotations: dict[int, int] = {}
        for node, scope in program.calls:
            self._note_callee(node, scope)
            self._note_callbacks(node, scope)

    def _note_callee(self, node: Node, scope: Scope) -> None:
        callee = node.child_by_field_name("function")
        while callee is not None and callee.type == "parenthesized_expression":
            callee = callee.named_children[0] if callee.named_children else None
        if callee is None:
            return
        if callee.type in _FUNCTIONS:
            self._callers[callee.id].append((node, scope))
            if callee.end_byte - callee.start_byte < _LONGEST_FRAMED:
                self._note_rotation(node, callee, scope)
        elif callee.type == "identifier":
            for binding in scope.find(self.program.text(callee))[:2]:
                if binding.kind is Kind.PARAMETER:
                    self._handed[binding.node.id, binding.index].append((node, scope))
                elif binding.node.type in _FUNCTIONS or binding.kind is Kind.FUNCTION:
                    self._callers[binding.node.id].append((node, scope))

    def _note_rotation(self, node: Node, function: Node, scope: Scope) -> None:
        """Take notice of a function that moves the elements of an array a number of times, as obfuscators do."""
        text, arguments = self.program.text(function), self.arguments(node)
        if b"push" not in text or b"shift" not in text or [each.type for each in arguments] != ["identifier", "number"]:
            return
        count = self.value(arguments[1], scope).number
        bindings = scope.find(self.program.text(arguments[0]))
        if count is not None and bindings:
            self._rotations[id(bindings)] = int(count)

    def rotated(self, value: Value, key: int) -> Value:
        """The value of a name whose elements the program moves; ``key`` is the id of the bindings of the name."""
        if not value.items or key not in self._rotations:
            return value
        first = self._rotations[key] % len(value.items)
        return evolve(value, items=value.items[first:] + value.items[:first])

    def _note_callbacks(self, node: Node, scope: Scope) -> None:
        for position, argument in enumerate(self.arguments(node)[:4]):
            if argument.type in _FUNCTIONS:
                self._callbacks[argument.id].append((node, scope, position))
            elif argument.type == "identifier":
                for binding in scope.find(argument.text or b"")[:1]:
                    if binding.kind is Kind.FUNCTION or binding.node.type in _FUNCTIONS:
                        self._callbacks[binding.node.id].append((node, scope, position))

    def parameter(self, function: Node, index: int) -> Value:
        """What is known of a parameter over all calls of a function."""
        key = (function.id, index)
        known = self._parameters.get(key)
        if known is not None:
            return known
        self._parameters[key] = UNKNOWN
        values = []
        for node, scope in self._callers[function.id][:_MOST_CALLERS]:
            arguments = self.arguments(node)
            values.append(self.value(arguments[index], scope) if index < len(arguments) else UNKNOWN)
        for node, scope, position in self._callbacks[function.id][:_MOST_CALLERS]:
            values.append(self._handed_over(node, scope, position, index))
        if index == 0 and not any(value.taints for value in values) and self._first_parameter(function) in _REQUESTS:
            values.append(Value(taints={INPUT: function.start_byte}))
        # What is only true of one of several calls is no constant.
        self._parameters[key] = values[0] if len(values) == 1 else union(values)
        return self._parameters[key]

    def _first_parameter(self, function: Node) -> bytes:
        parameters = function.child_by_field_name("parameters")
        nodes = parameters.named_children if parameters is not None else []
        return self.program.text(nodes[0]) if nodes else b""

    def _handed_over(self, node: Node, scope: Scope, position: int, index: int) -> Value:
        """What a call hands to the parameter ``index`` of its argument ``position``, which is a function."""
        target = self.target(node, scope, None)
        name = target.value.name
        found = UNKNOWN
        if name in _GIVES_BODY and position:
            found = Value(taints={FETCHED: node.start_byte})
        elif name == "Promise" and not position:
            found = Value(name="Promise.resolve")
        elif name in _RUNS_COMMAND and index:
            found = output(self.value(target.arguments[0], scope), node.start_byte)
        elif name == "fs.readFile" and index:
            found = content(self.value(target.arguments[0], scope), node.start_byte)
        elif name in _STANDARD_INPUT:
            found = Value(taints={INPUT: node.start_byte})
        elif target.method in _EACH and index < 2:
            found = mixed((target.receiver,))
        elif target.method in _HANDS_OVER and index == 0:
            found = evolve(target.receiver, function=None)
        return found

    def target(self, node: Node, scope: Scope, frame: Frame | None) -> Target:
        """What a call calls."""
        callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = tuple(self.arguments(node))
        if callee is None or callee.type == "import":
            return Target(Value(name="import"), "", UNKNOWN, arguments)
        if callee.type not in {"member_expression", "subscript_expression"}:
            return Target(self.value(callee, scope, frame), "", UNKNOWN, arguments)
        owner = callee.child_by_field_name("object")
        receiver = self.value(owner, scope, frame) if owner is not None else UNKNOWN
        value = self.value(callee, scope, frame)
        method = self._method(callee, scope, frame)
        if receiver.name != "Reflect" and method in {"call", "apply"} and (receiver.name or receiver.function):
            return self._forwarded(receiver, method, arguments)
        if receiver.name == "Reflect" and method in {"apply", "construct"} and arguments:
            called = self.value(arguments[0], scope, frame).behind("reflection")
            return self._forwarded(called, "apply", arguments if method == "apply" else (arguments[0], *arguments))
        return Target(value, method, receiver, arguments)

    def _method(self, callee: Node, scope: Scope, frame: Frame | None) -> str:
        key = callee.child_by_field_name("property")
        if key is not None:
            return self.program.string(key)
        index = callee.child_by_field_name("index")
        return (self.value(index, scope, frame).known or "") if index is not None else ""

    @staticmethod
    def _forwarded(called: Value, method: str, arguments: tuple[Node, ...]) -> Target:
        """The target of ``f.call(this, a)``, of ``f.apply(this, [a])`` and of ``Reflect.apply(f, this, [a])``."""
        rest = arguments[1:]
        if method == "apply":
            last = arguments[-1] if len(arguments) > 1 else None
            is_list = last is not None and last.type == "array"
            rest = tuple(last.named_children) if last is not None and is_list else arguments[-1:]
        return Target(called, "", UNKNOWN, rest)

    def call(self, node: Node, scope: Scope, frame: Frame | None) -> Value:
        """What is known of what a call gives."""
        target = self.target(node, scope, frame)
        values = self.many(target.arguments, scope, frame)
        found = self._method_result(target, values) if target.method else None
        return found if found is not None else self._function_result(target, values, node)

    def _function_result(self, target: Target, values: Sequence[Value], node: Node) -> Value:
        name = target.value.name
        if name == "await":
            found = values[0] if values else UNKNOWN
        elif name in FUNCTIONS:
            found = FUNCTIONS[name](values) or mixed(values)
        elif name in {"require", "import"} and values:
            found = Value(name=names.module(values[0].known or ""), chain=values[0].chain)
        elif name in SOURCES:
            found = self._from_source(name, values, node)
        elif target.value.function is not None:
            found = self._returned(target.value.function, values)
        else:
            found = self._otherwise(target, values, node)
        return found

    def _from_source(self, name: str, values: Sequence[Value], node: Node) -> Value:
        found = SOURCES[name](values, node.start_byte)
        made = names.result(name) if name in _MADE else ""
        return evolve(found, name=made) if made else found

    def _method_result(self, target: Target, values: Sequence[Value]) -> Value | None:
        """What a method gives whose receiver is known, or which hands it to a callback."""
        receiver, method = target.receiver, target.method
        if method in METHODS and (
            receiver.text is not None or receiver.items is not None or receiver.number is not None
        ):
            self.budget.spend(len(receiver.text or "") // 512 + len(receiver.items or ()) // 64)
            found = METHODS[method](receiver, values)
            if found is not None:
                self.budget.spend(len(found.text or "") // 256)
                return found
        if method == "map" and receiver.items is not None and values and values[0].function is not None:
            return self._mapped(receiver, values[0].function)
        if method in {"flatMap", "map"} and receiver.taints and values and values[0].function is not None:
            return self._returned(values[0].function, [])
        if method in {"then", "catch", "finally"} and values and values[0].function is not None:
            return self._returned(values[0].function, [evolve(receiver, function=None)])
        if method == "bind" and (receiver.name or receiver.function is not None):
            return receiver
        return None

    def _mapped(self, receiver: Value, function: Node) -> Value:
        items = receiver.items or ()
        if len(items) > _MOST_MAPPED:
            return mixed((receiver,))
        found = [self._returned(function, [item, Value(number=float(place))]) for place, item in enumerate(items)]
        return evolve(mixed(found), items=tuple(found[:MOST_ITEMS]), chain=receiver.chain)

    def _returned(self, function: Node, values: Sequence[Value]) -> Value:
        """What a function of the program gives: for constants, for these; else for all that it is given anywhere."""
        is_short = function.end_byte - function.start_byte < _LONGEST_FRAMED and self._framed < _MOST_FRAMED
        if is_short and any(_is_constant(value) for value in values):
            self._framed += 1
            arguments = {(function.id, index): value for index, value in enumerate(values[:8])}
            return self._of_returns(function, Frame(arguments))
        known = self._results.get(function.id)
        if known is None:
            self._results[function.id] = UNKNOWN
            known = self._results[function.id] = self._of_returns(function, None)
        return known

    def _of_returns(self, function: Node, frame: Frame | None) -> Value:
        returns = self.program.returns.get(function.id, [])
        scope = self.program.scopes.get(function.id)
        if scope is None or self._nesting >= _DEEPEST_CALL:
            return UNKNOWN
        self._nesting += 1
        found = [self.value(node, scope, frame) for node in returns[:_MOST_CALLERS]]
        self._nesting -= 1
        return found[0] if len(found) == 1 else union(found)

    def _otherwise(self, target: Target, values: Sequence[Value], node: Node) -> Value:
        """What an unknown function gives: something made of what it was given, but not everything."""
        name, receiver = target.value.name, target.receiver
        if name == "Promise" and node.type == "new_expression":
            return self._promised(target)
        if name in {"util.promisify", "promisify"} and values:
            return values[0]
        if name == "Object.getPrototypeOf" and values:
            return values[0]
        made = names.result(name) if name and name not in _OPAQUE else ""
        # A method mostly gives something of what it is called on; a function may have made anything of its arguments.
        is_whole = (target.method in METHODS or target.method in _KEEPS_ALL) and not receiver.name
        carried = [receiver if is_whole else receiver.without(ENVIRONMENT, *((INPUT,) if receiver.name else ()))]
        dropped = () if receiver.name.startswith("crypto.") else (ENVIRONMENT, FETCHED, FILES, INPUT)
        # What is made with the key of a wallet, such as its address or a signature, does not tell the key.
        carried += [value.without(WALLET_KEY, *dropped) for value in values]
        found = mixed(carried)
        return evolve(found, name=made, chain=target.value.chain if made else ())

    def _promised(self, target: Target) -> Value:
        """What a promise gives: all that its function resolves it with."""
        function = target.arguments[0] if target.arguments else None
        if function is None or function.type not in _FUNCTIONS:
            return UNKNOWN
        resolved = []
        for node, scope in self._handed[function.id, 0][:_MOST_CALLERS]:
            resolved += [self.value(argument, scope) for argument in self.arguments(node)[:1]]
        return resolved[0] if len(resolved) == 1 else union(resolved)


def _is_constant(value: Value) -> bool:
    return value.known is not None or value.number is not None or value.items is not None


# Their results are looked at again: as something that sends, or that runs code.
_MADE = frozenset(
    {"http.request", "https.request", "net.connect", "net.createConnection", "tls.connect", "WebSocket"}
) | {
    "XMLHttpRequest",
    "fs.createWriteStream",
    "crypto.createDecipheriv",
    "crypto.createDecipher",
}
_OPAQUE = frozenset({"eval", "Function", "Promise"})
