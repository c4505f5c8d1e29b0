"""What statements do."""

import ast
from collections.abc import Callable, Sequence
from functools import partial

from haldir_scanner._code._python import comprehensions
from haldir_scanner._code._python.binding import absorb, bind, element
from haldir_scanner._code._python.expressions import binary, qualified
from haldir_scanner._code._python.names import STAR_MODULES
from haldir_scanner._code._python.run import MAX_UNROLLED, Class, Function, Handler, Run
from haldir_scanner._code._python.scope import Scope
from haldir_scanner._code._python.value import Value, join

_MAX_UNROLLED_STATEMENTS = 4
_SIMPLE = (ast.Assign, ast.AugAssign)


def _assign(run: Run, node: ast.Assign) -> None:
    value = run.value(node.value)
    for target in node.targets:
        bind(run, target, value, node)


def _assign_annotated(run: Run, node: ast.AnnAssign) -> None:
    if node.value is not None:
        bind(run, node.target, run.value(node.value), node)


def _assign_augmented(run: Run, node: ast.AugAssign) -> None:
    old, added = run.value(node.target), run.value(node.value)
    if isinstance(node.target, ast.Subscript):
        absorb(run, node.target.value, added, node)
    elif isinstance(node.target, ast.Name) or old is not None or added is not None:
        whole = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        bind(run, node.target, binary(run, whole, old, added), node)


def _expression(run: Run, node: ast.Expr) -> None:
    if node.value.__class__ is not ast.Constant:
        run.value(node.value)


def _return(run: Run, node: ast.Return) -> None:
    value = run.value(node.value) if node.value is not None else None
    if run.active:
        summary = run.active[-1][1]
        summary.returned = join(summary.returned, value)


def _branches(run: Run, *blocks: Sequence[ast.stmt]) -> None:
    """Evaluate blocks of which one is run, or none; then every name holds what either leaves it."""
    results = []
    for block in blocks:
        if block:
            run.scope.fork()
            run.execute(block)
            results.append(run.scope.leave())
    for result in results:
        run.scope.meet(result)


def _if(run: Run, node: ast.If) -> None:
    run.value(node.test)
    _branches(run, node.body, node.orelse)


def _while(run: Run, node: ast.While) -> None:
    run.value(node.test)
    _branches(run, node.body)
    run.execute(node.orelse)


def _for(run: Run, node: ast.For | ast.AsyncFor) -> None:
    values = run.value(node.iter)
    if not _unrolled(run, node, values):
        bind(run, node.target, element(values), node)
        _branches(run, node.body)
    run.execute(node.orelse)


def _unrolled(run: Run, node: ast.For | ast.AsyncFor, values: Value | None) -> bool:
    """Evaluate a short loop over constants once for each of them; whether that was possible."""
    if values is None or len(node.body) > _MAX_UNROLLED_STATEMENTS:
        return False
    if not all(isinstance(statement, _SIMPLE) or _is_append(statement) for statement in node.body):
        return False
    elements = comprehensions.constants(values)
    if elements is None or run.unrolled + len(elements) > MAX_UNROLLED:
        return False
    run.unrolled += len(elements)
    for item in elements:
        bind(run, node.target, Value(item, taints=values.taints, chain=values.chain), node)
        run.execute(node.body)
    return True


def _is_append(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    function = statement.value.func
    return isinstance(function, ast.Attribute) and function.attr == "append"


def _with(run: Run, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        value = run.value(item.context_expr)
        if item.optional_vars is not None:
            bind(run, item.optional_vars, value, node)
    run.execute(node.body)


def _try(run: Run, node: ast.Try) -> None:
    run.execute(node.body)
    _branches(run, *(handler.body for handler in node.handlers), node.orelse)
    run.execute(node.finalbody)


def _match(run: Run, node: ast.Match) -> None:
    subject = run.value(node.subject)
    for case in node.cases:
        if isinstance(case.pattern, ast.MatchAs) and case.pattern.name is not None:
            run.scope.assign(case.pattern.name, subject)
    _branches(run, *(case.body for case in node.cases))


def _import(run: Run, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        run.scope.assign(alias.asname or name, run.named(name))


def _import_from(run: Run, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            if module in STAR_MODULES:
                run.stars.append(module)
        else:
            run.scope.assign(alias.asname or alias.name, run.named(f"{module}.{alias.name}"))


def _outer(run: Run, node: ast.Global | ast.Nonlocal) -> None:
    run.scope.outer_names.update(node.names)


def _function(run: Run, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    run.scope.assign(node.name, Value(target=make_function(run, node)))


def make_function(run: Run, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: Class | None = None) -> Function:
    """The function that a definition defines; its decorators and defaults are evaluated."""
    decorators = [qualified(decorator) for decorator in node.decorator_list]
    for expression in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
        if expression is not None:
            run.value(expression)
    function = Function(
        name=node.name,
        arguments=node.args,
        body=node.body,
        scope=run.scope if owner is None or run.scope.parent is None else run.scope.parent,
        owner=owner,
        is_static="staticmethod" in decorators,
        is_tool=any(name.rpartition(".")[2] in _TOOL_DECORATORS for name in decorators),
    )
    run.functions.append(function)
    return function


# Of MCP servers and agent frameworks: a model chooses the arguments.
_TOOL_DECORATORS = frozenset({"tool", "call_tool", "function_tool", "kernel_function", "register_tool"})


def _class(run: Run, node: ast.ClassDef) -> None:
    bases = tuple(_base_name(run, base) for base in node.bases)
    made = Class(node.name, bases=tuple(filter(None, bases)))
    made.attributes.update(run.attributes.get(node.name, {}))
    run.classes.append(made)
    for decorator in node.decorator_list:
        run.value(decorator)
    outer = run.scope
    run.scope = Scope(parent=outer)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            made.functions[statement.name] = make_function(run, statement, made)
        else:
            run.execute([statement])
    for name, value in run.scope.names.items():
        made.attributes[name] = join(made.attributes.get(name), value)
    run.scope = outer
    run.scope.assign(node.name, Value(target=made, name=made.bases[0] if made.bases else ""))


def _base_name(run: Run, base: ast.expr) -> str:
    value = run.value(base)
    return value.name if value is not None else ""


def _evaluate_all(run: Run, node: ast.Assert | ast.Raise | ast.Delete, names: Sequence[str]) -> None:
    for name in names:
        expression = getattr(node, name)
        if isinstance(expression, ast.expr):
            run.value(expression)


def _nothing(statement: Callable[..., None]) -> Handler:
    """A statement has no value."""

    def handle(run: Run, node: ast.AST) -> None:
        statement(run, node)

    return handle


_STATEMENTS: dict[type[ast.AST], Callable[..., None]] = {
    ast.AnnAssign: _assign_annotated,
    ast.Assert: partial(_evaluate_all, names=("test", "msg")),
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _assign_augmented,
    ast.ClassDef: _class,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Global: _outer,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Nonlocal: _outer,
    ast.Raise: partial(_evaluate_all, names=("exc", "cause")),
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
HANDLERS: dict[type[ast.AST], Handler] = {kind: _nothing(statement) for kind, statement in _STATEMENTS.items()}
