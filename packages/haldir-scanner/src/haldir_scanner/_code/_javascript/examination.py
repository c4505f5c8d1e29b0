"""What one program in JavaScript or TypeScript does, found without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haldir_scanner._code._javascript.calls import Interpreter
from haldir_scanner._code._javascript.scopes import Kind, Program, Walk
from haldir_scanner._code._javascript.sinks import IMPORT, SINKS, Findings, Sink, judge
from haldir_scanner._code._javascript.tree import Dialect, available, language, parse
from haldir_scanner._code._javascript.value import Budget, TooMuchWorkError
from haldir_scanner._code._shell.places import places
from haldir_scanner._files._filetypes import UNKNOWN_TEXT
from haldir_scanner._files._views import View
from haldir_scanner._text import Flow, Folded, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from haldir_scanner._code._javascript.scopes import Scope

MAX_BYTES = 1024 * 1024
# Evaluations of expressions, of which each takes about five microseconds.
_JUDGING = 18_000
_FOLDING = 10_000
_SHORTEST_TEXT = 8
_LIMIT = "javascript_limit"
_CALLEES = frozenset(name.rpartition(".")[2].encode() for name in SINKS) | {
    b"apply",
    b"call",
    b"construct",
    b"pipe",
    b"then",
}
# A function of the program itself, or one that it is handed, is not looked at when it is called.
_OWN = frozenset({Kind.FUNCTION, Kind.PARAMETER})
_PASSING = frozenset({"pipe", "then"})
_NAMES = frozenset({"identifier", "member_expression"})


def examine(source: bytes, dialect: Dialect = "javascript") -> Iterator[Seen | Flow | Folded]:
    """The rules that a program breaks, and the texts that it computes; nothing without the extra ``ast``."""
    if not available():
        return
    tree = parse(source, dialect) if len(source) <= MAX_BYTES else None
    if tree is None:
        yield Seen(_LIMIT)
        return
    program = Walk(source, tree, language(dialect)).run()
    findings = Findings()
    is_whole = _judged(program, findings) and program.is_whole
    yield from _found(findings, View(source))
    if not is_whole:
        yield Seen(_LIMIT)


def _judged(program: Program, findings: Findings) -> bool:
    """Whether the work could be done."""
    budget = Budget(_JUDGING)
    try:
        interpreter = Interpreter(program, budget)
        _imports(program, findings)
        for node, scope in program.calls:
            if _may_matter(program, node, scope):
                _judge(interpreter, findings, node, scope)
        budget.left = max(budget.left, _FOLDING)
        for node, scope in program.texts:
            _fold(interpreter, findings, node, scope)
    except TooMuchWorkError:
        return False
    return True


def _imports(program: Program, findings: Findings) -> None:
    for source in program.imports:
        if program.text(source)[1:9].startswith((b"http://", b"https://", b"data:")):
            findings.see(IMPORT, source.start_byte)


def _may_matter(program: Program, node: Node, scope: Scope) -> bool:
    """Whether a call may be one of those that are judged: most can be told by their name alone."""
    callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    if callee is None or callee.type not in _NAMES:
        return True
    if callee.type == "member_expression":
        key = callee.child_by_field_name("property")
        text = program.text(key) if key is not None else b""
        return text in _CALLEES or b"\\" in text or text == b"constructor"
    name = program.text(callee)
    bindings = scope.find(name)
    if not bindings:
        return name in _CALLEES or b"\\" in name
    return bindings[0].kind not in _OWN or bool(bindings[0].path)


def _judge(interpreter: Interpreter, findings: Findings, node: Node, scope: Scope) -> None:
    target = interpreter.target(node, scope, None)
    name = target.value.name
    if name not in SINKS and target.method not in _PASSING:
        return
    values = interpreter.many(target.arguments, scope)
    judge(Sink(findings, target, values, node.start_byte, name))


def _fold(interpreter: Interpreter, findings: Findings, node: Node, scope: Scope) -> None:
    value = interpreter.value(node, scope)
    text = value.known
    if text is None or not value.chain or len(text) < _SHORTEST_TEXT:
        return
    printable = sum(1 for character in text[:2000] if character.isprintable() or character in "\n\r\t")
    if printable >= 0.85 * len(text[:2000]):
        findings.compute(text, node.start_byte, UNKNOWN_TEXT, value.chain)


def _found(findings: Findings, view: View) -> Iterator[Seen | Flow | Folded]:
    offsets = [place for _, place in findings.seen]
    offsets += [place for (_, sink), begin in findings.flows.items() for place in (begin, sink)]
    offsets += [place for place, _, _ in findings.texts.values()]
    place_of = places(view, offsets)
    for rule, place in findings.seen:
        yield Seen(rule, place_of[place])
    for (rule, sink), begin in findings.flows.items():
        yield Flow(rule, tuple(place_of[place] for place in dict.fromkeys((begin, sink))))
    for text, (place, types, chain) in findings.texts.items():
        yield Folded(text.encode("utf-8", "replace").decode(), place_of[place], types, chain)
