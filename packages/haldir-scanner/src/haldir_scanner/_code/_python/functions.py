"""Functions of the file: what a call of them does and returns."""

import ast
import sys
from collections.abc import Mapping

from attrs import evolve

from haldir_scanner._code._python.binding import put
from haldir_scanner._code._python.call import Arguments
from haldir_scanner._code._python.run import MAX_INLINED, Bound, Class, Function, Instance, Run, Summary
from haldir_scanner._code._python.scope import Scope
from haldir_scanner._code._python.value import UNKNOWN, Kind, Node, Taint, Value, merge, tainted

MAX_ACTIVE = 6  # functions that are evaluated within each other
_FRAMES_NEEDED = 450  # for the deepest tree: some frames for each level
_MAX_INLINED_STATEMENTS = 15
_TELLING_LENGTH = 8


def has_room() -> bool:
    """Whether Python allows as many more calls from here as one function may need."""
    try:
        sys._getframe(sys.getrecursionlimit() - _FRAMES_NEEDED)  # noqa: SLF001 - documented, and counts at once
    except ValueError:  # the stack is not that deep
        return True
    return False


def summarise(run: Run, function: Function) -> Summary:
    """What every call of the function does, found by evaluating it once."""
    if function.summary is not None:
        return function.summary
    if function.active or len(run.active) >= MAX_ACTIVE:
        return Summary()
    if not has_room():
        run.exhausted = True
        return Summary()
    given = {
        parameter.arg: _parameter(function, index, parameter) for index, parameter in enumerate(function.parameters)
    }
    function.summary = _evaluate(run, function, given)
    return function.summary


def _parameter(function: Function, index: int, parameter: ast.arg) -> Value:
    taints: tuple[Taint, ...] = (Taint(Kind.PARAMETER, str(index), (parameter,)),)
    if index == 0 and function.owner is not None and not function.is_static:
        return Value(target=Instance(function.owner))
    if function.is_tool:
        taints = (*taints, Taint(Kind.INPUT, "", (parameter,)))
    return Value(taints=taints)


def _evaluate(run: Run, function: Function, given: Mapping[str, Value | None]) -> Summary:
    summary = Summary()
    outer = run.scope
    run.scope = Scope(parent=function.scope, names=dict(given))
    run.active.append((function, summary))
    function.active = True
    run.execute(function.body)
    function.active = False
    run.active.pop()
    run.scope = outer
    return summary


def call_target(run: Run, node: ast.Call, target: object, arguments: Arguments) -> Value | None:
    """What calling a function, a class or a bound function of the file returns."""
    if isinstance(target, Function):
        return _call(run, node, target, arguments)
    if isinstance(target, Bound):
        function = target.function
        receiver = Value(target=Instance(function.owner)) if function.owner is not None else None
        if function.is_static:
            return _call(run, node, function, arguments)
        return _call(run, node, function, evolve(arguments, positional=[receiver, *arguments.positional]))
    if isinstance(target, Class):
        instance = Value(target=Instance(target), name=f"{target.bases[0]}()" if target.bases else "")
        constructor = target.functions.get("__init__")
        if constructor is not None:
            _call(run, node, constructor, evolve(arguments, positional=[instance, *arguments.positional]))
        return instance
    return None


def _call(run: Run, node: ast.Call, function: Function, arguments: Arguments) -> Value | None:
    summary = summarise(run, function)
    actual = _matched(function, arguments)
    if _worth_inlining(run, function, summary, actual):
        run.inlined += 1
        given = {parameter.arg: actual.get(index) for index, parameter in enumerate(function.parameters)}
        return _passed(_evaluate(run, function, given).returned, {}, node)
    for pending in summary.pending.values():
        run.reach(pending.accepts, tainted(pending.taint.given(actual.get(pending.taint.parameter))), *pending.steps)
    _put_stores(run, function, summary, actual)
    return _passed(summary.returned, actual, node)


def _put_stores(run: Run, function: Function, summary: Summary, actual: Mapping[int, Value | None]) -> None:
    if function.owner is None:
        return
    for name, index in summary.stores:
        value = actual.get(index)
        if value is not None:
            plain = tuple(taint for taint in value.taints if taint.kind is not Kind.PARAMETER)
            put(run, function.owner, name, value.with_taints(plain))


def _matched(function: Function, arguments: Arguments) -> dict[int, Value | None]:
    """The actual arguments by the index of their parameter."""
    spec = function.arguments
    limit = len(spec.posonlyargs) + len(spec.args)
    actual = dict(enumerate(arguments.positional[:limit]))
    if arguments.keywords:
        index = {parameter.arg: number for number, parameter in enumerate(function.parameters)}
        for name, value in arguments.keywords.items():
            if name in index:
                actual[index[name]] = value
    return actual


def _worth_inlining(run: Run, function: Function, summary: Summary, actual: Mapping[int, Value | None]) -> bool:
    """Whether the call may compute a text from a constant, which a summary does not tell."""
    if run.inlined >= MAX_INLINED or function.active or len(run.active) >= MAX_ACTIVE:
        return False
    if len(function.body) > _MAX_INLINED_STATEMENTS or not has_room():
        return False
    returned = summary.returned
    used = {pending.taint.parameter for pending in summary.pending.values()} | {index for _, index in summary.stores}
    if returned is not None:
        used |= {taint.parameter for taint in returned.taints if taint.kind is Kind.PARAMETER}
    return any(_is_telling(actual.get(index)) for index in used)


def _is_telling(value: Value | None) -> bool:
    if value is None:
        return False
    constant = value.constant
    if constant is UNKNOWN:
        return bool(value.partial)
    return isinstance(constant, str | bytes | list | tuple) and len(constant) >= _TELLING_LENGTH


def _passed(returned: Value | None, actual: Mapping[int, Value | None], node: Node) -> Value | None:
    """What a call returns, with the origins of the actual arguments instead of the parameters."""
    if returned is None or not returned.taints:
        return returned
    taints: tuple[Taint, ...] = ()
    for taint in returned.taints:
        if taint.kind is not Kind.PARAMETER:
            taints = merge(taints, (taint,))
            continue
        given = taint.given(actual.get(taint.parameter))
        taints = merge(taints, tuple(origin.through(node) for origin in given))
    return returned.with_taints(taints)
