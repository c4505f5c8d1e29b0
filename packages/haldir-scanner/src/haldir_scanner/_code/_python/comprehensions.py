"""Comprehensions: computed if they go over a constant, else known by where their elements come from."""

import ast
from collections.abc import Sequence

from haldir_scanner._code._python import folding
from haldir_scanner._code._python.binding import bind, element
from haldir_scanner._code._python.run import MAX_UNROLLED, Handler, Run, chained
from haldir_scanner._code._python.value import Value, tainted, union

_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp


def constants(values: Value) -> Sequence[object] | None:
    """The elements of a constant that can be gone through; None if it is none or has too many."""
    constant = values.constant
    if isinstance(constant, str | bytes | list | tuple) and 0 < len(constant) <= folding.MAX_SIZE:
        return list(constant)
    return None


def _sequence(run: Run, node: _Comprehension) -> Value | None:
    first = node.generators[0] if node.generators else None
    if first is None:
        return None
    values = run.value(first.iter)
    if values is not None and len(node.generators) == 1 and not first.ifs:
        computed = mapped(run, node, values)
        if computed is not None:
            return computed
    _bind_all(run, node.generators, values)
    made = run.value(node.elt)
    if made is not None and (made.name or made.text):
        return Value(elements=(made,), taints=made.taints)
    return tainted(union((made,)))


def mapped(run: Run, node: _Comprehension, values: Value) -> Value | None:
    """The elements computed from those of a constant; None if they cannot be."""
    elements = constants(values)
    if elements is None:
        return None
    target = node.generators[0].target
    known: dict[tuple[type, object], Value] = {}
    results: list[object] = []
    for item in elements:
        key = (type(item), item)
        made = known.get(key) if _is_hashable(item) else None
        if made is None:
            run.unrolled += 1
            if run.unrolled > MAX_UNROLLED:
                run.exhausted = True
                return None
            bind(run, target, Value(item), node)
            made = run.value(node.elt)
            if made is None or not isinstance(made.constant, str | bytes | int):
                return None
            made.consumed = True
            if _is_hashable(item):
                known[key] = made
        results.append(made.constant)
    chain = chained([values.chain, *(made.chain for made in list(known.values())[:8])], "")
    return Value(results, taints=values.taints, chain=chain, origin=node)


def _is_hashable(item: object) -> bool:
    return isinstance(item, str | int | bytes) or (
        isinstance(item, tuple) and all(isinstance(part, str | int | bytes) for part in item)
    )


def _table(run: Run, node: ast.DictComp) -> Value | None:
    if node.generators:
        _bind_all(run, node.generators, run.value(node.generators[0].iter))
    return tainted(union((run.value(node.key), run.value(node.value))))


def _bind_all(run: Run, generators: Sequence[ast.comprehension], first: Value | None) -> None:
    for number, generator in enumerate(generators):
        values = run.value(generator.iter) if number else first
        bind(run, generator.target, element(values), generator.iter)
        for condition in generator.ifs:
            run.value(condition)


HANDLERS: dict[type[ast.AST], Handler] = {
    ast.DictComp: _table,
    ast.GeneratorExp: _sequence,
    ast.ListComp: _sequence,
    ast.SetComp: _sequence,
}
