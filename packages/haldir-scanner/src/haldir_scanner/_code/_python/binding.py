"""What variables, attributes and containers hold after an assignment."""

import ast
from collections.abc import Sequence

from haldir_scanner._code._python import folding
from haldir_scanner._code._python.paths import content_kind, is_agent_file
from haldir_scanner._code._python.run import Class, Instance, Run
from haldir_scanner._code._python.value import UNKNOWN, Kind, Node, Value, join, merge, union

_MOST_ALTERNATIVES = 1000
_ATOMS = (str, bytes, int)


def bind(run: Run, target: ast.AST, value: Value | None, node: Node) -> None:
    """Let the target of an assignment hold a value."""
    if isinstance(target, ast.Name):
        if value is not None and value.taints:
            value = value.with_taints(tuple(taint.through(node) for taint in value.taints))
        run.scope.assign(target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(run, target.elts, value, node)
    elif isinstance(target, ast.Starred):
        bind(run, target.value, value, node)
    elif isinstance(target, ast.Attribute):
        _set_attribute(run, target, value, node)
    elif isinstance(target, ast.Subscript):
        _set_item(run, target, value, node)


def absorb(run: Run, holder: ast.expr, value: Value | None, node: Node) -> None:
    """Let a container hold a value beside what it holds."""
    if value is None or not value.taints:
        return
    while isinstance(holder, ast.Subscript):
        holder = holder.value
    if isinstance(holder, ast.Name | ast.Attribute):
        held = run.value(holder)
        if held is None:
            bind(run, holder, Value(taints=value.taints), node)
        else:
            bind(run, holder, held.with_taints(merge(held.taints, value.taints)), node)


def element(value: Value | None) -> Value | None:
    """What a loop over the value is given each time; of several constants the one that says most."""
    if value is None:
        return None
    if value.elements is not None:
        return _telling(value.elements, value)
    constant = value.constant
    if isinstance(constant, list | tuple) and constant:
        return _alternatives(constant, value)
    if value.name.endswith(("glob()", "iterdir()")):
        return Value(name="pathlib.Path()", taints=value.taints)
    if isinstance(constant, dict) and constant:
        return _alternatives(list(constant), value)
    return Value(taints=value.taints) if value.taints else None


def _unpack(run: Run, targets: Sequence[ast.expr], value: Value | None, node: Node) -> None:
    elements: Sequence[Value | None] = (None,) * len(targets)
    if value is not None:
        constant = value.constant
        if value.elements is not None and len(value.elements) == len(targets):
            elements = value.elements
        elif isinstance(constant, list | tuple) and len(constant) == len(targets):
            elements = [Value(item, taints=value.taints) for item in constant]
        elif value.taints:
            elements = (Value(taints=value.taints),) * len(targets)
    for target, item in zip(targets, elements, strict=True):
        bind(run, target, item, node)


def _set_attribute(run: Run, target: ast.Attribute, value: Value | None, node: Node) -> None:
    receiver = run.value(target.value)
    holder = receiver.target if receiver is not None else None
    if isinstance(holder, Instance):
        _store(run, holder.of, target.attr, value)
    elif isinstance(holder, Class):
        _store(run, holder, target.attr, value)
    elif isinstance(target.value, ast.Name | ast.Attribute | ast.Subscript):
        absorb(run, target.value, value, node)


def _store(run: Run, holder: Class, name: str, value: Value | None) -> None:
    """Let instances of a class hold a value; what is a parameter is put there by each call."""
    if value is None:
        holder.attributes.setdefault(name, None)
        return
    plain = tuple(taint for taint in value.taints if taint.kind is not Kind.PARAMETER)
    if run.active:
        run.active[-1][1].stores.update(
            (name, taint.parameter) for taint in value.taints if taint.kind is Kind.PARAMETER
        )
    put(run, holder, name, value if plain == value.taints else value.with_taints(plain))


def put(run: Run, holder: Class, name: str, value: Value) -> None:
    """Let instances of a class hold a value, beside what they hold."""
    old = holder.attributes.get(name)
    new = join(old, value)
    if name in holder.read and new is not None and (old is None or len(new.taints) > len(old.taints)):
        run.late = True
    holder.attributes[name] = new


def _set_item(run: Run, target: ast.Subscript, value: Value | None, node: Node) -> None:
    container, key = run.value(target.value), run.value(target.slice)
    if container is not None and isinstance(container.constant, dict):
        known = key is not None and isinstance(key.constant, _ATOMS) and value is not None
        if known and value is not None and key is not None and isinstance(value.constant, _ATOMS):
            if len(container.constant) < folding.MAX_SIZE:
                container.constant[key.constant] = value.constant
        else:
            container.constant = UNKNOWN
    absorb(run, target.value, value, node)
    if key is not None and any(taint.kind is Kind.ENVIRONMENT for taint in key.taints):
        absorb(run, target.value, key, node)


def _alternatives(constants: Sequence[object], value: Value) -> Value | None:
    known = constants[:_MOST_ALTERNATIVES]
    first = known[0]
    if isinstance(first, tuple | list):
        columns = zip(*(row for row in known if isinstance(row, tuple | list) and len(row) == len(first)), strict=True)
        elements = tuple(_alternatives(column, value) for column in columns)
        return Value(elements=elements, taints=value.taints) if any(elements) else None
    sensitive = next((text for text in known if isinstance(text, str) and _is_sensitive(text)), "")
    return Value(partial=sensitive, taints=value.taints) if sensitive or value.taints else None


def _telling(elements: Sequence[Value | None], value: Value) -> Value | None:
    taints = merge(value.taints, union(elements))
    known = [item for item in elements[:_MOST_ALTERNATIVES] if item is not None]
    chosen = next((item for item in known if _is_sensitive(item.text)), None)
    if chosen is not None:
        return Value(partial=chosen.text, name=chosen.name, taints=taints)
    rows = [item.elements for item in known if item.elements is not None]
    if rows and all(len(row) == len(rows[0]) for row in rows):
        return Value(elements=tuple(_telling(column, value) for column in zip(*rows, strict=True)), taints=taints)
    named = next((item for item in known if item.name.endswith("()")), None)
    if named is not None:
        return Value(name=named.name, taints=taints)
    return Value(taints=taints) if taints else None


def _is_sensitive(text: str) -> bool:
    return content_kind(text) is not None or is_agent_file(text)
