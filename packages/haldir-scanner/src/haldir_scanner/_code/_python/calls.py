"""What a call does, by what is called."""

import ast
from collections.abc import Mapping

from haldir_scanner._code._python import computing, files, reflection, running, sending
from haldir_scanner._code._python.binding import absorb
from haldir_scanner._code._python.call import Arguments, Call, CallHandler
from haldir_scanner._code._python.functions import call_target
from haldir_scanner._code._python.members import member, pick
from haldir_scanner._code._python.names import PLAINLY_DANGEROUS, POWERFUL_MODULES, RUNNERS
from haldir_scanner._code._python.run import Handler, Run
from haldir_scanner._code._python.value import (
    MAX_ELEMENTS,
    UNKNOWN,
    Kind,
    Taint,
    Value,
    content_taints,
    merge,
    tainted,
    union,
)

_KNOWN: Mapping[str, CallHandler] = {
    **computing.HANDLERS,
    **files.HANDLERS,
    **reflection.HANDLERS,
    **running.HANDLERS,
    **sending.HANDLERS,
}
# What an argument of an unknown function still is in its result; configuration and arguments go into everything.
_CARRIED = frozenset(Kind) - {Kind.ENVIRONMENT, Kind.INPUT, Kind.STORE, Kind.VARIABLE}
_ADDING = frozenset(
    {"add", "append", "appendleft", "extend", "insert", "put", "setdefault", "update", "write", "writestr"}
)
_ASKING = frozenset(
    {
        "count",
        "endswith",
        "exists",
        "find",
        "index",
        "is_dir",
        "is_file",
        "isdigit",
        "keys",
        "startswith",
        "stat",
    }
)
# Who takes a file of settings apart is after one of them.
_PARSING = frozenset(
    {"split", "partition", "rpartition", "rsplit", "group", "search", "match", "findall", "removeprefix"}
)
_PICKING = frozenset({"get", "pop", "__getitem__"})
_READING = frozenset({"read_bytes", "read_text"})


def _call(run: Run, node: ast.Call) -> Value | None:
    function = node.func
    receiver: Value | None = None
    method = ""
    if isinstance(function, ast.Attribute):
        receiver, method = run.value(function.value), function.attr
        callee = None if receiver is None else member(run, receiver, method)
    else:
        callee = run.value(function)
    arguments = _arguments(run, node)
    if callee is not None:
        if callee.hidden or callee.name[-2:] == ".?":
            _hidden(run, callee, node)
        if callee.target is not None:
            return call_target(run, node, callee.target, arguments)
        if callee.name:
            handler = _KNOWN.get(callee.name)
            if handler is not None:
                subject = receiver if receiver is not None else callee
                return handler(run, Call(node, callee.name, arguments, subject))
    if receiver is not None:
        return _method(run, node, callee, receiver, arguments)
    if callee is None and isinstance(function, ast.Attribute):
        return _unknown_method(run, node, function, arguments)
    return _unknown(run, callee, arguments)


def _arguments(run: Run, node: ast.Call) -> Arguments:
    value = run.value
    positional = [value(argument) for argument in node.args]
    if not node.keywords:
        return Arguments(positional, {})
    return Arguments(positional, {keyword.arg: value(keyword.value) for keyword in node.keywords})


def _hidden(run: Run, callee: Value, node: ast.Call) -> None:
    """What is called is not called by its name."""
    if callee.name.endswith(reflection.UNKNOWN_MEMBER):
        if callee.name.removesuffix(reflection.UNKNOWN_MEMBER) in POWERFUL_MODULES:
            run.see("computed_call", node)
    elif callee.name in (PLAINLY_DANGEROUS if callee.hidden == 1 else RUNNERS):
        run.see("dynamic_name_exec", node)


def _method(run: Run, node: ast.Call, callee: Value | None, receiver: Value, arguments: Arguments) -> Value | None:
    """A method of something that is known, which is not known itself."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name in _ADDING:
        _added(run, node, receiver, name, arguments)
        return None
    if name in _PICKING and (receiver.taints or receiver.name.endswith(".__dict__")):
        return pick(run, receiver, arguments.get(0), node)
    if name in _READING:
        return tainted(content_taints(receiver.taints))
    found = _looked_up(run, node, receiver, name, arguments)
    if found is not None or name in _ASKING:
        return found
    if not receiver.taints and callee is not None and callee.name:
        return _unknown(run, callee, arguments)
    is_text = isinstance(receiver.constant, str)
    taints = merge(receiver.taints, union(arguments.all) if is_text else _carried(arguments))
    if name in _PARSING:
        taints = tuple(taint for taint in taints if taint.kind is not Kind.LOGIN_FILE)
    name_of_result = f"{callee.name}()" if callee is not None and callee.name else ""
    return Value(name=name_of_result, taints=taints) if taints or name_of_result else None


def _looked_up(run: Run, node: ast.Call, receiver: Value, name: str, arguments: Arguments) -> Value | None:
    """What a method computes from a text, or finds in a container."""
    if name in {"__getattribute__", "__getattr__"}:
        key = arguments.get(0)
        known = key is not None and isinstance(key.constant, str)
        return member(run, receiver, str(key.constant), 2 if key.chain else 1) if key is not None and known else None
    if receiver.constant is not UNKNOWN or receiver.partial:
        computed = computing.method(run, node, receiver, name, arguments)
        if computed is not None:
            return computed
    return None


def _unknown_method(run: Run, node: ast.Call, function: ast.Attribute, arguments: Arguments) -> Value | None:
    """A method of something unknown."""
    if function.attr in _ADDING:
        added = tainted(union(arguments.all))
        if added is not None:
            absorb(run, function.value, added, node)
        return None
    if function.attr == "parse_args":
        return Value(taints=(Taint(Kind.INPUT, "", (node,)),))
    if function.attr in _ASKING:
        return None
    return tainted(_carried(arguments))


def _added(run: Run, node: ast.Call, receiver: Value, name: str, arguments: Arguments) -> None:
    """A container is given something more."""
    function = node.func
    value = arguments.get(1 if name in {"insert", "setdefault"} else 0)
    if isinstance(receiver.constant, list):
        _append(receiver, name, value)
    elif name == "append" and receiver.elements is not None and isinstance(function, ast.Attribute):
        receiver.elements = (*receiver.elements, value)[-MAX_ELEMENTS:]
    if isinstance(function, ast.Attribute):
        absorb(run, function.value, tainted(union(arguments.all)), node)


def _append(receiver: Value, name: str, value: Value | None) -> None:
    constant = receiver.constant
    if not isinstance(constant, list):
        return
    if value is not None and value.constant is not UNKNOWN:
        if name == "append":
            constant.append(value.constant)
            receiver.chain = max(receiver.chain, value.chain, key=len)
            value.consumed = True
            receiver.elements = None
            return
        if name == "extend" and isinstance(value.constant, list | tuple | str | bytes):
            constant.extend(value.constant)
            receiver.elements = None
            return
    receiver.constant = UNKNOWN
    receiver.elements = (*(Value(item) for item in constant[-MAX_ELEMENTS:]), value) if name == "append" else None


def _unknown(run: Run, callee: Value | None, arguments: Arguments) -> Value | None:
    """A function that is not known: texts may come out of it again, configuration is used up in it."""
    taints = _carried(arguments)
    if callee is None or not callee.name:
        return tainted(taints)
    is_class = callee.name.rpartition(".")[2][:1].isupper()
    made = run.named(f"{callee.name}()")
    if is_class or not taints:
        return made
    return Value(taints=taints) if made is None else made.with_taints(taints)


def _carried(arguments: Arguments) -> tuple[Taint, ...]:
    taints = union(arguments.all)
    return tuple(taint for taint in taints if taint.kind in _CARRIED) if taints else ()


HANDLERS: dict[type[ast.AST], Handler] = {ast.Call: _call}
