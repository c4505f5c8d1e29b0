"""The syntax tree of a Python text, no deeper than the evaluation can follow."""

import ast
import warnings
from collections.abc import Iterator

from attrs import frozen

MAX_DEPTH = 100  # nodes; the deepest tree of the standard library has 28

_LONG_SUM = 8  # terms
# Fields that never hold an expression or a statement.
_LEFT_OUT = frozenset(
    (
        *("arg", "asname", "attr", "id", "module", "name", "rest", "kind", "type_comment", "type_ignores"),
        *("ctx", "op", "ops", "conversion", "is_async", "level", "simple"),
    )
)
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(name for name in kind._fields if name not in _LEFT_OUT)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
} | {ast.Constant: ()}


@frozen
class Tree:
    """A parsed text.

    Attributes:
        module: at most ``MAX_DEPTH`` deep.
        cut: the nodes below which something was left out for that.
    """

    module: ast.Module
    cut: tuple[ast.AST, ...] = ()


def parse(text: str) -> Tree:
    """The tree of ``text``; lines of notebooks (``!command``, ``%magic``) count as comments.

    Python bounds the recursion of its own parser (brackets, indentation, and every other nesting), and tells so.

    Raises: SyntaxError, ValueError, MemoryError or RecursionError if there is none.
    """
    with warnings.catch_warnings():  # not thread-safe, so a warning of another thread can be lost meanwhile
        warnings.simplefilter("ignore")
        try:
            module = ast.parse(text)
        except SyntaxError:
            plain = _without_magic(text)
            if plain == text:
                raise
            module = ast.parse(plain)
    if len(list(_levels(module))) <= MAX_DEPTH:
        return Tree(module)
    return _flattened(module)


def _without_magic(text: str) -> str:
    lines = text.split("\n")
    return "\n".join("#" + line[1:] if line.startswith(("!", "%")) else line for line in lines)


def _levels(tree: ast.AST) -> Iterator[list[ast.AST]]:
    """The nodes of the tree, one list for each depth; no recursion, so that depth costs nothing."""
    level: list[ast.AST] = [tree]
    while level:
        yield level
        below: list[object] = []
        append, extend = below.append, below.extend
        for node in level:
            for name in _FIELDS[node.__class__]:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    extend(value)
                elif value is not None:
                    append(value)
        level = [item for item in below if isinstance(item, ast.AST)]


def _flattened(module: ast.Module) -> Tree:
    for level in _levels(module):
        for node in level:
            _balance_sums(node)
            _unchain_branches(node)
    cut: list[ast.AST] = []
    for depth, level in enumerate(_levels(module), 1):
        if depth == MAX_DEPTH:
            cut = [node for node in level if _prune(node)]
    return Tree(module, tuple(cut))


def _balance_sums(node: ast.AST) -> None:
    """Turn the operations below ``node`` from combs, one level for each term, into bushes."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, ast.BinOp):
            setattr(node, name, _balanced(value))
        elif isinstance(value, list):
            value[:] = [_balanced(item) if isinstance(item, ast.BinOp) else item for item in value]


def _balanced(node: ast.BinOp) -> ast.expr:
    """The same sum of texts in another order; what also subtracts makes no text, only its terms matter then."""
    terms: list[ast.expr] = []
    left: ast.expr = node
    only_sums = True
    while isinstance(left, ast.BinOp):
        if not isinstance(left.op, ast.Add):
            if not isinstance(left.op, ast.Sub):
                break
            only_sums = False
        terms.append(left.right)
        left = left.left
    terms.append(left)
    terms.reverse()
    if len(terms) < _LONG_SUM:
        return node
    if not only_sums:
        return ast.copy_location(ast.Tuple(terms, ast.Load()), node)
    while len(terms) > 1:
        pairs = [_sum(first, second) for first, second in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(terms) // 2 * 2 :]
    return terms[0]


def _sum(left: ast.expr, right: ast.expr) -> ast.BinOp:
    node = ast.BinOp(left, ast.Add(), right)
    node.lineno, node.col_offset = left.lineno, left.col_offset
    node.end_lineno, node.end_col_offset = right.end_lineno, right.end_col_offset
    return node


def _unchain_branches(node: ast.AST) -> None:
    """Turn ``elif`` after ``elif`` below ``node``, one level each, into conditions after each other."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and any(isinstance(item, ast.If) for item in block):
            block[:] = [branch for item in block for branch in _branches(item)]


def _branches(item: ast.stmt) -> Iterator[ast.stmt]:
    yield item
    while isinstance(item, ast.If) and len(item.orelse) == 1 and isinstance(item.orelse[0], ast.If):
        item.orelse, item = [], item.orelse[0]
        yield item


def _prune(node: ast.AST) -> bool:
    """Take off what is below a node; whether anything was."""
    pruned = False
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list) and value:
            value.clear()
            pruned = True
        elif isinstance(value, ast.expr):
            setattr(node, name, ast.copy_location(ast.Constant(None), value))
            pruned = True
        elif isinstance(value, ast.arguments):
            setattr(node, name, ast.arguments([], [], None, [], [], None, []))
    return pruned
