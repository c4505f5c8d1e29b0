"""One evaluation of a file: what it has found, what it may still spend, and the rules that it goes by."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from haldir_scanner._code._python import folding, names, sinks
from haldir_scanner._code._python.decoders import CODECS, DECODERS, MAX_DECODED
from haldir_scanner._code._python.scope import Scope
from haldir_scanner._code._python.source import Source
from haldir_scanner._code._python.value import UNKNOWN, Kind, Node, Taint, Value, merge

Handler = Callable[["Run", Any], Value | None]

MAX_STATEMENTS = 400_000  # evaluated in one file
MAX_COMPUTED = 64 * MAX_DECODED  # characters of all computed texts of one file; most are pieces of the next one
MAX_UNROLLED = 20_000  # elements of constants that loops go through
MAX_INLINED = 100  # calls of functions of the file that are evaluated with their actual arguments
_SHORTEST_DECODED = 8  # characters; less says nothing
_LONGEST_NAME = 200

_MORE_TELLING = (Kind.FETCHED, Kind.ANSWERED, Kind.INPUT, Kind.DECODED)
# Steps that hide what a text says, rather than put it together.
_DECODING = frozenset(decoder.step for decoder in (*DECODERS.values(), *CODECS.values()))
_HIDING = _DECODING | {"reversed", "chr", "xor", "translated", "number"}


@define(eq=False)
class Function:
    """A function of the file.

    Attributes:
        summary: what every call does; None before the first one.
        active: whether it is being evaluated.
    """

    name: str
    arguments: ast.arguments
    body: Sequence[ast.stmt]
    scope: Scope
    owner: "Class | None" = None
    is_static: bool = False
    is_tool: bool = False
    summary: "Summary | None" = None
    active: bool = False

    @property
    def parameters(self) -> list[ast.arg]:
        """The parameters that are given by position, then the others."""
        spec = self.arguments
        variadic = [given for given in (spec.vararg, spec.kwarg) if given is not None]
        return [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *variadic]


@define(eq=False)
class Class:
    """A class of the file: its functions and what its instances hold."""

    name: str
    bases: tuple[str, ...] = ()
    functions: dict[str, Function] = field(factory=dict)
    attributes: dict[str, Value | None] = field(factory=dict)
    read: set[str] = field(factory=set)


@frozen(eq=False)
class Instance:
    """An instance of a class of the file."""

    of: Class


@frozen(eq=False)
class Bound:
    """A function of a class, got from an instance."""

    function: Function


@frozen(eq=False)
class Pending:
    """A parameter that reaches a sink: a finding as soon as a call gives it what the sink must not get."""

    taint: Taint
    accepts: sinks.Accepts
    steps: tuple[Node, ...]


@define(eq=False)
class Summary:
    """What a function does with its arguments."""

    returned: Value | None = None
    pending: dict[tuple[str, int], Pending] = field(factory=dict)  # the first of each kind
    stores: set[tuple[str, int]] = field(factory=set)  # attributes of the instance, and the parameter put there


@frozen(eq=False)
class Act:
    """Something that is run, started or reached; ``function`` is "" when it happens on import."""

    name: str
    node: Node
    function: Function | None


@define(eq=False)
class Run:
    """The state of one evaluation.

    Attributes:
        handlers: what is done for each kind of node.
        seen: places and rules that need no flow.
        flows: rules, with the nodes from source to sink.
        computed: texts that were computed, with what runs them if anything does.
        literals: texts that stand in more than one piece, or escaped, perhaps.
        attributes: what instances hold according to an earlier evaluation, by class.
        late: whether an instance was found to hold something after it had been asked for.
        exhausted: whether a bound was hit.
    """

    source: Source
    handlers: Mapping[type[ast.AST], Handler]
    attributes: dict[str, dict[str, Value | None]] = field(factory=dict)
    module: Scope = field(factory=Scope)
    scope: Scope = field(init=False)
    seen: dict[tuple[str, int, int], Node] = field(factory=dict)
    flows: dict[tuple[str, int, int], tuple[Node, ...]] = field(factory=dict)
    computed: dict[tuple[int | None, ...], list[Value]] = field(factory=dict)
    commands: dict[tuple[str, int], tuple[Value, Node]] = field(factory=dict)
    literals: list[ast.Constant] = field(factory=list)
    acts: list[Act] = field(factory=list)
    written: dict[str, tuple[Taint, ...]] = field(factory=dict)
    functions: list[Function] = field(factory=list)
    classes: list[Class] = field(factory=list)
    stars: list[str] = field(factory=list)
    active: list[tuple[Function, Summary]] = field(factory=list)
    inlined: int = 0
    unrolled: int = 0
    late: bool = False
    exhausted: bool = False
    _statements: int = 0
    _size: int = 0
    _named: dict[tuple[str, int], Value] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.scope = self.module

    def value(self, node: ast.AST | None) -> Value | None:
        """What is known of the value of an expression."""
        handler = self.handlers.get(node.__class__)  # type: ignore[arg-type]
        return None if handler is None else handler(self, node)

    def execute(self, statements: Iterable[ast.stmt]) -> None:
        """Evaluate statements in order, as long as the bound allows."""
        handlers = self.handlers
        for statement in statements:
            self._statements += 1
            if self._statements > MAX_STATEMENTS:
                self.exhausted = True
                return
            handler = handlers.get(statement.__class__)
            if handler is not None:
                handler(self, statement)

    def named(self, name: str, hidden: int = 0) -> Value | None:
        """The thing of a qualified name."""
        known = self._named.get((name, hidden))
        if known is None:
            if len(name) > _LONGEST_NAME:
                return None
            known = self._named[name, hidden] = Value(name=names.canonical(name), hidden=hidden)
        return known

    def see(self, rule: str, node: Node) -> None:
        """Note that a rule is broken at a node."""
        self.seen.setdefault((rule, node.lineno, node.col_offset), node)

    def act(self, name: str, node: Node) -> None:
        """Note that the program runs, starts or reaches something."""
        self.acts.append(Act(name, node, self.active[-1][0] if self.active else None))

    def reach(self, accepts: sinks.Accepts, value: Value | None, *steps: Node) -> None:
        """Let a value arrive at a sink: a flow, or pending if it is a parameter."""
        if value is None or not value.taints or not accepts:
            return
        kinds = {taint.kind for taint in value.taints}
        for taint in value.taints:
            if taint.kind is Kind.PARAMETER:
                if self.active:
                    pending = Pending(taint, accepts, (*taint.steps, *steps))
                    self.active[-1][1].pending.setdefault((taint.label, id(accepts)), pending)
            elif taint.kind is Kind.UNPACKED and not kinds.isdisjoint(_MORE_TELLING):
                continue
            elif taint.kind in accepts:
                self.flow(accepts[taint.kind], (*taint.steps, *steps))

    def flow(self, rule: str, steps: Sequence[Node]) -> None:
        """Note that a flow breaks a rule; of several ones into the same sink the first is kept."""
        last = steps[-1]
        plain = [step for step, following in zip(steps, [*steps[1:], None], strict=True) if step is not following]
        self.flows.setdefault((rule, last.lineno, last.col_offset), tuple(plain))

    def fold(self, node: ast.expr, compute: Callable[[], folding.Fold], operands: Sequence[Value]) -> Value:
        """The value of a computed constant; of the texts it was made of only the whole one is searched.

        Raises: folding.UnknownValueError if it cannot be computed, or is more than one file may compute.
        """
        self.charge(sum(_size(operand) for operand in operands))
        fold = compute()
        constant = fold.constant
        result = Value(constant, chain=chained([operand.chain for operand in operands], fold.step), origin=node)
        size = _size(result)
        self.charge(size)
        result.taints = _taints(operands)
        if isinstance(constant, str | bytes):
            if result.chain and size >= _SHORTEST_DECODED and not _HIDING.isdisjoint(result.chain):
                result.taints = merge(result.taints, (Taint(Kind.DECODED, "", (node,)),))
            _consume(operands, MAX_DECODED if fold.step in _DECODING else size)
            if result.chain:
                self._keep(result, node)
        return result

    def compute(
        self, node: ast.expr, compose: Callable[[], str], operands: Sequence[Value | None], name: str = ""
    ) -> Value:
        """The value of a text that is known in parts."""
        known = [operand for operand in operands if operand is not None]
        taints = _taints(known)
        text = compose() if self.affords(known) else ""
        if not text or len(text) > MAX_DECODED:
            return Value(name=name, taints=taints)
        chain = chained([operand.chain for operand in known], "concatenated")
        return Value(partial=text, name=name, taints=taints, chain=chain, origin=node)

    def affords(self, operands: Iterable[Value | None]) -> bool:
        """Whether texts of these values may still be put together; counts that they are."""
        try:
            self.charge(sum(_size(operand) for operand in operands if operand is not None))
        except folding.UnknownValueError:
            return False
        return True

    def command(self, kind: str, value: Value, node: Node) -> None:
        """Note a text that is run: as Python or by a shell."""
        if value.text or value.constant is not UNKNOWN:
            self.commands.setdefault((kind, id(value)), (value, node))

    def _keep(self, result: Value, node: ast.expr) -> None:
        """Remember a computed text; what the same node computed before goes if it is part of another one."""
        place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        self.computed[place] = [*(known for known in self.computed.get(place, ()) if not known.consumed), result]

    def close(self) -> None:
        """Let go of what holds itself, so that the tree is freed with the run."""
        for function in self.functions:
            function.scope.names.clear()
            function.summary = None
        for made in self.classes:
            made.functions.clear()
            made.attributes.clear()

    def charge(self, size: int) -> None:
        """Count characters that are computed.

        Raises: folding.UnknownValueError if they are more than one file may compute.
        """
        self._size += size
        if self._size > MAX_COMPUTED:
            self.exhausted = True
            raise folding.UnknownValueError


def chained(chains: Sequence[tuple[str, ...]], step: str) -> tuple[str, ...]:
    """The chain of a text that was made in one more step from texts with these chains."""
    longest = max(chains, key=len, default=())
    others = tuple(dict.fromkeys(word for chain in chains for word in chain if word not in longest))
    before = (*longest, *others)
    return before if not step or before[-1:] == (step,) else (*before, step)


def _taints(operands: Sequence[Value]) -> tuple[Taint, ...]:
    taints: tuple[Taint, ...] = ()
    for operand in operands:
        if operand.taints:
            taints = merge(taints, operand.taints)
    return taints


def _consume(operands: Sequence[Value], size: int) -> None:
    for operand in operands:
        if operand.chain and _size(operand) <= size:
            operand.consumed = True


def _size(value: Value) -> int:
    constant = value.constant
    return len(constant) if isinstance(constant, str | bytes | list | tuple | dict) else len(value.partial) + 1
