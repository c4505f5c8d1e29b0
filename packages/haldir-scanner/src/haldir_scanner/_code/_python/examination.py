"""What one Python file does, found without running it."""

import ast
import re
from collections.abc import Iterator
from itertools import islice
from textwrap import dedent

from haldir_scanner._code._garbage import no_collection
from haldir_scanner._code._python import calls, comprehensions, expressions, hooks, statements
from haldir_scanner._code._python.functions import summarise
from haldir_scanner._code._python.run import Handler, Run
from haldir_scanner._code._python.source import Source, decode
from haldir_scanner._code._python.tree import parse
from haldir_scanner._code._python.value import HOLE, Node, Value
from haldir_scanner._files._filetypes import UNKNOWN_TEXT, FileType
from haldir_scanner._text import Flow, Folded, Place, Seen

MAX_BYTES = 1024 * 1024
MAX_MARKS = 110_000  # commas, brackets, operators, line ends; a tree takes 1 to 2 kB for each
MAX_FLOWS = 300  # reported of one file
MAX_TEXTS = 1000  # computed texts of one file that are searched again
MAX_CHARACTERS = 1024 * 1024  # of these texts together
_SHORTEST_TEXT = 8  # characters; a command may be shorter
_MARKS = b",;.+-*([{=:%<>|&@\n"
_LIMIT = "python_limit"
_UNPARSABLE = "python_unparsable"
_ENCODED = "python_odd_encoding"

_HANDLERS: dict[type[ast.AST], Handler] = {
    **expressions.HANDLERS,
    **comprehensions.HANDLERS,
    **calls.HANDLERS,
    **statements.HANDLERS,
}
_BLANK = HOLE + " \t\r\n\f\v"
_TYPES = {"python": frozenset({FileType.PYTHON}), "shell": frozenset({FileType.SHELL})}
# Escapes that hide a letter, and the seam between two literals that the parser joins.
_ESCAPED = re.compile(r"\\(?:x[0-9a-fA-F]|u[0-9a-fA-F]|U[0-9a-fA-F]|N\{|[0-7])")
_SEAM = re.compile(r"[\"']\s*(?:\\\n\s*)?(?:#[^\n]*\n\s*)?[a-zA-Z]{0,2}[\"']")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # controls that are no white space
_PTH_IMPORT = re.compile(rb"(?m)^import[ \t][^\n]*")

Finding = Seen | Flow | Folded


def examine(data: bytes, path: str = "") -> Iterator[Finding]:
    """The rules that a file breaks, and the texts that it computes.

    ``path`` tells what is run unasked (setup.py, conftest.py, sitecustomize.py, .pth).
    """
    if len(data) > MAX_BYTES or len(data) - len(data.translate(None, _MARKS)) > MAX_MARKS:
        yield Seen(_LIMIT)
        return
    with no_collection():
        found = list(_path_file(data) if path.endswith(".pth") else _file(data, path))
    yield from found


def _path_file(data: bytes) -> Iterator[Finding]:
    """Each line of a .pth file that begins with import is run whenever Python starts."""
    blanked = bytearray(re.sub(rb"[^\n]", b" ", data))
    for found in _PTH_IMPORT.finditer(data):
        blanked[found.start() : found.end()] = found[0]
    yield from _file(re.sub(rb"(?m)^ +$", b"", bytes(blanked)), "")


def _file(data: bytes, path: str) -> Iterator[Finding]:
    try:
        source = decode(data)
        if source.encoding:
            yield Seen(_ENCODED, Place(1))
            yield Folded(source.text, Place(1), _TYPES["python"], (source.encoding,))
        if source.text[:1] in {" ", "\t"}:
            # A block in a list or a quote is indented as a whole.
            source = Source(dedent(source.text), source.encoding)
        tree = parse(source.text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = error.lineno if isinstance(error, SyntaxError) and error.lineno else 0
        yield Seen(_UNPARSABLE, Place(line))
        return
    if tree.cut:
        yield Seen(_LIMIT, _first_place(source, tree.cut))
    run = _evaluated(source, tree.module)
    yield from _findings(run, path)
    run.close()


def _first_place(source: Source, nodes: tuple[ast.AST, ...]) -> Place:
    placed = [node for node in nodes if isinstance(node, ast.expr | ast.stmt)]
    return source.place(placed[0]) if placed else Place(0)


def _evaluated(source: Source, module: ast.Module) -> Run:
    """The file, evaluated once; and once more if methods asked for what others put there later."""
    run = _evaluate(Run(source, _HANDLERS), module)
    if not run.late:
        return run
    return _evaluate(Run(source, _HANDLERS, attributes={made.name: made.attributes for made in run.classes}), module)


def _evaluate(run: Run, module: ast.Module) -> Run:
    try:
        run.execute(module.body)
        for function in run.functions:  # grows meanwhile: functions within functions
            summarise(run, function)
    except RecursionError:  # of a caller that has used up nearly all of the stack
        run.exhausted = True
    return run


def _findings(run: Run, path: str) -> Iterator[Finding]:
    if run.exhausted:
        yield Seen(_LIMIT)
    for (rule, _, _), node in islice(run.seen.items(), MAX_FLOWS):
        yield Seen(rule, run.source.place(node))
    for rule, node in hooks.broken(run, path):
        yield Seen(rule, run.source.place(node))
    if len(run.flows) > MAX_FLOWS:
        yield Seen(_LIMIT)
    for (rule, _, _), steps in islice(run.flows.items(), MAX_FLOWS):
        yield Flow(rule, tuple(run.source.place(step) for step in steps))
    yield from _texts(run)


def _texts(run: Run) -> Iterator[Finding]:
    """The computed texts, each once, those that are run first."""
    known: set[tuple[str, str]] = set()
    size = 0
    for kind, text, chain, node in _computed(run):
        if (kind, text) in known:
            continue
        known.add((kind, text))
        size += len(text)
        if len(known) > MAX_TEXTS or size > MAX_CHARACTERS:
            yield Seen(_LIMIT, run.source.place(node))
            return
        yield Folded(text, run.source.place(node), _TYPES.get(kind, UNKNOWN_TEXT), chain)


def _computed(run: Run) -> Iterator[tuple[str, str, tuple[str, ...], Node]]:
    for (kind, _), (value, node) in run.commands.items():
        text = _readable(value)
        if text and value.chain:
            value.consumed = True
            yield kind, text, value.chain, value.origin or node
    for values in run.computed.values():
        for value in values:
            text = _readable(value)
            if not value.consumed and value.origin is not None and len(text) >= _SHORTEST_TEXT:
                yield "", text, value.chain, value.origin
    for literal in run.literals:
        yield from _pieced(run, literal)


def _pieced(run: Run, literal: ast.Constant) -> Iterator[tuple[str, str, tuple[str, ...], Node]]:
    """A literal that stands in several pieces, or whose letters are escaped."""
    text = str(literal.value)
    segment = run.source.segment(literal).replace("\r\n", "\n")
    if len(text) < _SHORTEST_TEXT or text in segment:
        return
    if _ESCAPED.search(segment):
        yield "", _encodable(text), ("escapes",), literal
    elif "\\" not in segment or _SEAM.search(segment):
        yield "", text, ("concatenated",), literal


def _encodable(text: str) -> str:
    """The text with halves of surrogate pairs put together, or replaced."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _readable(value: Value) -> str:
    """The text of a value if it is one that a person or a machine can read."""
    constant = value.constant
    if isinstance(constant, bytes):
        constant = constant.decode("utf-8", "replace")
    text = constant if isinstance(constant, str) else value.partial
    if not text.strip(_BLANK):
        return ""
    head = text[:2000]
    printable = len(head) - len(_UNPRINTABLE.findall(head))
    return _encodable(text) if printable >= 0.85 * len(head) else ""
