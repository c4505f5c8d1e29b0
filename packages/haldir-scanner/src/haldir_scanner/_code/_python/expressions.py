"""What expressions are worth."""

import ast
import re
from collections.abc import Callable, Sequence
from functools import partial

from haldir_scanner._code._python import folding
from haldir_scanner._code._python.binding import bind
from haldir_scanner._code._python.members import SOURCES, member, pick, source
from haldir_scanner._code._python.names import BUILTINS
from haldir_scanner._code._python.paths import content_kind
from haldir_scanner._code._python.run import Function, Handler, Run
from haldir_scanner._code._python.value import (
    HOLE,
    MAX_ELEMENTS,
    UNKNOWN,
    Kind,
    Taint,
    Value,
    join,
    merge,
    tainted,
    text_of,
    union,
)

_PERCENT = re.compile(r"%(?:\(\w{1,40}\))?[-#0 +]{0,5}\d{0,5}(?:\.\d{1,5})?[a-zA-Z]")
_BUILTIN_VALUES = {name: Value(name=f"builtins.{name}") for name in BUILTINS}
_BUILTIN_VALUES["__builtins__"] = Value(name="builtins")


def qualified(node: ast.expr) -> str:
    """The dotted name that an expression is written as, without its call; "" if it is none."""
    parts: list[str] = []
    current = node.func if isinstance(node, ast.Call) else node
    while isinstance(current, ast.Attribute):
        parts.append(current.attr)
        current = current.value
    return ".".join([current.id, *reversed(parts)]) if isinstance(current, ast.Name) else ""


def _constant(run: Run, node: ast.Constant) -> Value:
    constant = node.value
    if constant.__class__ is str and (
        node.end_lineno != node.lineno or node.end_col_offset != node.col_offset + len(constant) + 2
    ):
        run.literals.append(node)
    return Value(constant)


def _name(run: Run, node: ast.Name) -> Value | None:
    name = node.id
    scope = run.scope
    while True:
        if name in scope.names:
            value = scope.names[name]
            return source(value, node) if value is not None and value.name in SOURCES and not value.taints else value
        if scope.parent is None:
            break
        scope = scope.parent
    if name in BUILTINS:
        return _BUILTIN_VALUES[name]
    for module in run.stars:
        value = member(run, Value(name=module), name)
        if value is not None:
            return value
    return None


def _attribute(run: Run, node: ast.Attribute) -> Value | None:
    receiver = run.value(node.value)
    if receiver is None:
        return None
    value = member(run, receiver, node.attr)
    return source(value, node) if value is not None and value.name in SOURCES and not value.taints else value


def _binary(run: Run, node: ast.BinOp) -> Value | None:
    return binary(run, node, run.value(node.left), run.value(node.right))


def binary(run: Run, node: ast.BinOp, left: Value | None, right: Value | None) -> Value | None:
    """What an operator gives for two values."""
    if left is None and right is None:
        return None
    if left is not None and right is not None:
        if left.constant is not UNKNOWN and right.constant is not UNKNOWN:
            return _folded(run, node, left, right)
        if isinstance(node.op, ast.Add) and left.elements is not None and right.elements is not None:
            elements = (*left.elements, *right.elements)[:MAX_ELEMENTS]
            return Value(elements=elements, taints=union((left, right)))
    compose = _PARTIAL.get(type(node.op))
    if compose is None:
        return tainted(union((left, right)))
    made = run.compute(node, partial(compose, left, right), (left, right))
    if made.partial:
        made.name = "pathlib.Path()" if isinstance(node.op, ast.Div) else ""
    return made if made.partial or made.taints else None


def _folded(run: Run, node: ast.BinOp, left: Value, right: Value) -> Value | None:
    try:
        return run.fold(node, partial(folding.binary, node.op, left.constant, right.constant), (left, right))
    except folding.UnknownValueError:
        return tainted(union((left, right)))


def _sum(left: Value | None, right: Value | None) -> str:
    if not (left is not None and left.text) and not (right is not None and right.text):
        return ""
    return text_of(left) + text_of(right)


def _filled(left: Value | None, right: Value | None) -> str:
    template = left.text if left is not None else ""
    if not template:
        return ""
    fillings: Sequence[Value | None] = (right,)
    if right is not None and right.elements is not None:
        fillings = right.elements
    texts = iter([text_of(filling) for filling in fillings])
    return _PERCENT.sub(lambda _: next(texts, HOLE), template, count=MAX_ELEMENTS).replace("%%", "%")


def _path(left: Value | None, right: Value | None) -> str:
    if left is None and not (right is not None and isinstance(right.constant, str)):
        return ""
    if left is not None and not (left.partial or left.name == "pathlib.Path()" or isinstance(left.constant, str)):
        return ""
    return f"{text_of(left).rstrip('/')}/{text_of(right)}"


_PARTIAL: dict[type[ast.operator], Callable[[Value | None, Value | None], str]] = {
    ast.Add: _sum,
    ast.Div: _path,
    ast.Mod: _filled,
}


def _joined(run: Run, node: ast.JoinedStr) -> Value | None:
    parts = [
        run.value(part.value) if isinstance(part, ast.FormattedValue) else Value(getattr(part, "value", UNKNOWN))
        for part in node.values
    ]
    if all(part is not None and isinstance(part.constant, str) for part in parts):
        known = [part for part in parts if part is not None]
        return _concatenated(run, node, known)
    taints = union(parts)
    if len(parts) == 1:
        return Value(partial=parts[0].text, taints=taints) if parts[0] is not None else None
    return run.compute(node, lambda: "".join(map(text_of, parts)), parts)


def _concatenated(run: Run, node: ast.JoinedStr, parts: Sequence[Value]) -> Value | None:
    if len(parts) == 1:
        return parts[0]
    try:
        return run.fold(node, partial(folding.concatenated, [part.constant for part in parts]), parts)
    except folding.UnknownValueError:
        return tainted(union(parts))


def _subscript(run: Run, node: ast.Subscript) -> Value | None:
    container = run.value(node.value)
    key = run.value(node.slice)
    if container is None:
        return None
    return pick(run, container, key, node)


def _slice(run: Run, node: ast.Slice) -> Value | None:
    parts = [None if part is None else run.value(part) for part in (node.lower, node.upper, node.step)]
    given = [part for part in (node.lower, node.upper, node.step) if part is not None]
    known = [part for part in parts if part is not None and part.constant is not UNKNOWN]
    if len(known) < len(given):
        return None
    bounds = [None if part is None else part.constant for part in parts]
    return Value(slice(*bounds))


def _sequence(run: Run, node: ast.List | ast.Tuple | ast.Set) -> Value | None:
    elements = node.elts
    if len(elements) > MAX_ELEMENTS and all(element.__class__ is ast.Constant for element in elements):
        return Value([element.value for element in elements])  # type: ignore[attr-defined]
    values = [run.value(element) for element in elements]
    taints = union(values)
    if all(value is not None and value.constant is not UNKNOWN for value in values):
        known = [value for value in values if value is not None]
        chain = max((value.chain for value in known), key=len, default=())
        constants = [value.constant for value in known]
        constant = tuple(constants) if isinstance(node, ast.Tuple) else constants
        return Value(constant, taints=taints, chain=chain, elements=tuple(values[:MAX_ELEMENTS]))
    return Value(taints=taints, elements=tuple(values[:MAX_ELEMENTS]))


def _dictionary(run: Run, node: ast.Dict) -> Value | None:
    keys = [None if key is None else run.value(key) for key in node.keys]
    values = [run.value(value) for value in node.values]
    table: dict[object, object] = {}
    for key, value in zip(keys, values, strict=True):
        if key is None or value is None or value.constant is UNKNOWN or not isinstance(key.constant, str | bytes | int):
            return tainted(merge(union(values), _stores(values, node)))
        table[key.constant] = value.constant
    return Value(table, taints=union(values))


def _stores(values: Sequence[Value | None], node: ast.Dict) -> tuple[Taint, ...]:
    """That a table holds paths of files with secrets, which its items no longer tell."""
    kinds = (content_kind(value.text) for value in values if value is not None and value.text)
    return tuple(Taint(Kind.STORE, kind, (node,)) for kind in dict.fromkeys(kinds) if kind is not None)


def _either(run: Run, node: ast.BoolOp) -> Value | None:
    result: Value | None = None
    for operand in node.values:
        value = run.value(operand)
        result = value if result is None else join(result, value)
    return result


def _conditional(run: Run, node: ast.IfExp) -> Value | None:
    run.value(node.test)
    return join(run.value(node.body), run.value(node.orelse))


def _compare(run: Run, node: ast.Compare) -> None:
    run.value(node.left)
    for operand in node.comparators:
        run.value(operand)


def _unary(run: Run, node: ast.UnaryOp) -> Value | None:
    value = run.value(node.operand)
    if value is None or not isinstance(value.constant, int):
        return None
    constant = value.constant
    if isinstance(node.op, ast.USub):
        return Value(-constant)
    return Value(~constant) if isinstance(node.op, ast.Invert) else None


def _walrus(run: Run, node: ast.NamedExpr) -> Value | None:
    value = run.value(node.value)
    bind(run, node.target, value, node)
    return value


def _inner(run: Run, node: ast.Await | ast.Starred | ast.FormattedValue | ast.YieldFrom) -> Value | None:
    return run.value(node.value)


def _yield(run: Run, node: ast.Yield) -> None:
    if node.value is not None and run.active:
        summary = run.active[-1][1]
        summary.returned = join(summary.returned, run.value(node.value))


def _lambda(run: Run, node: ast.Lambda) -> Value:
    body = ast.copy_location(ast.Return(node.body), node.body)
    function = Function("<lambda>", node.args, [body], run.scope)
    run.functions.append(function)
    return Value(target=function)


HANDLERS: dict[type[ast.AST], Handler] = {
    ast.Attribute: _attribute,
    ast.Await: _inner,
    ast.BinOp: _binary,
    ast.BoolOp: _either,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dictionary,
    ast.FormattedValue: _inner,
    ast.IfExp: _conditional,
    ast.JoinedStr: _joined,
    ast.Lambda: _lambda,
    ast.List: _sequence,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _sequence,
    ast.Slice: _slice,
    ast.Starred: _inner,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.UnaryOp: _unary,
    ast.Yield: _yield,
    ast.YieldFrom: _inner,
}
