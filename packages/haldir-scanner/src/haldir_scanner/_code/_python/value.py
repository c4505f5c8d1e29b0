"""What is known of a value without running anything: its constant, its name, and where it comes from."""

import ast
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from attrs import define, field, frozen

HOLE = "{}"  # stands in a text for what is not known
READ = " read"  # ends the label of a parameter that was a path: of the file, not of the path
MAX_STEPS = 8
MAX_TAINTS = 16
MAX_ELEMENTS = 256  # of a list whose elements are looked at one by one


class Kind(StrEnum):
    """What a value was made from."""

    ENVIRONMENT = "environment"  # all variables
    VARIABLE = "variable"  # one variable of the environment that holds a secret; the label is its name
    PRIVATE_FILE = "private_file"  # nothing but a theft sends it: private keys, browser profiles, wallets
    LOGIN_FILE = "login_file"  # the login of a tool, which the tool's own service is sent
    STORE = "store"  # the path of such a file or login; the label is the kind of its content
    WALKED = "walked"  # names of the files of a person
    FILES = "files"  # contents of such files
    CONTENT = "content"  # of a file that nothing is known about
    FETCHED = "fetched"
    ANSWERED = "answered"  # to something that was sent: a service was asked
    INPUT = "input"  # arguments and typed text
    DECODED = "decoded"  # decoded from a literal
    UNPACKED = "unpacked"  # decoded from something else
    PARAMETER = "parameter"  # of the function that is evaluated; the label is its index


class _Unknown:
    """The type of ``UNKNOWN``."""


UNKNOWN: Final = _Unknown()


Node = ast.expr | ast.stmt | ast.arg


@frozen
class Taint:
    """One origin of a value, and the nodes that it has passed since."""

    kind: Kind
    label: str
    steps: tuple[Node, ...]

    @property
    def parameter(self) -> int:
        """The index of a parameter."""
        return int(self.label.removesuffix(READ))

    def given(self, argument: "Value | None") -> "tuple[Taint, ...]":
        """The origins that take the place of a parameter once its argument is known."""
        if argument is None:
            return ()
        return content_taints(argument.taints) if self.label.endswith(READ) else argument.taints

    def through(self, node: Node) -> "Taint":
        """The same origin, one step further."""
        if len(self.steps) >= MAX_STEPS or self.steps[-1] is node:
            return self
        return Taint(self.kind, self.label, (*self.steps, node))


@define(eq=False)
class Value:
    """Everything that is known of one value.

    Attributes:
        constant: what it is, if that is known wholly; else ``UNKNOWN``.
        partial: a text of which only parts are known, with ``HOLE`` for the others.
        name: the qualified name of a module, function or class; "x()" for an instance of x.
        taints: where it comes from.
        chain: how the constant or the partial text was computed; empty for a literal.
        origin: the node that computed it.
        elements: of a list or tuple that was written out.
        target: a function, class or instance of this file.
        hidden: 0, or how the name was had: 1 from a plain literal (``__import__("os")``), 2 from a computed text.
        consumed: whether a larger computed text holds this one.
    """

    constant: object = UNKNOWN
    partial: str = ""
    name: str = ""
    taints: tuple[Taint, ...] = ()
    chain: tuple[str, ...] = ()
    origin: ast.expr | None = None
    elements: "tuple[Value | None, ...] | None" = None
    target: object = None
    hidden: int = 0
    consumed: bool = field(default=False, init=False)

    @property
    def text(self) -> str:
        """The text as far as it is known, with holes; "" if nothing is."""
        return self.constant if isinstance(self.constant, str) else self.partial

    def with_taints(self, taints: tuple[Taint, ...]) -> "Value":
        """The same, from elsewhere."""
        # What attrs.evolve does, in a sixth of the time.
        return Value(
            self.constant,
            self.partial,
            self.name,
            taints,
            self.chain,
            self.origin,
            self.elements,
            self.target,
            self.hidden,
        )


_NAMING = frozenset({Kind.INPUT, Kind.ENVIRONMENT, Kind.VARIABLE})


def text_of(value: Value | None) -> str:
    """The text of a value as far as it is known; a hole if nothing is."""
    if value is None:
        return HOLE
    constant = value.constant
    if isinstance(constant, str):
        return constant
    if isinstance(constant, bytes):
        return constant.decode("latin-1")
    if isinstance(constant, int | float) and abs(constant) < 1 << 64:
        return str(constant)
    return value.partial or HOLE


def union(values: Iterable[Value | None]) -> tuple[Taint, ...]:
    """The origins of all the values, each once."""
    merged: tuple[Taint, ...] = ()
    for value in values:
        if value is not None and value.taints:
            merged = merge(merged, value.taints) if merged else value.taints
    return merged


def content_taints(taints: tuple[Taint, ...]) -> tuple[Taint, ...]:
    """The origins of the content of a file, by those of its path: who names a file has not written it."""
    content: list[Taint] = []
    for taint in taints:
        if taint.kind is Kind.WALKED:
            content.append(Taint(Kind.FILES, "", taint.steps))
        elif taint.kind is Kind.STORE:
            content.append(Taint(Kind(taint.label), "", taint.steps))
        elif taint.kind is Kind.PARAMETER:
            content.append(Taint(taint.kind, taint.label.removesuffix(READ) + READ, taint.steps))
        elif taint.kind not in _NAMING:
            content.append(taint)
    return tuple(content)


def merge(first: tuple[Taint, ...], second: tuple[Taint, ...]) -> tuple[Taint, ...]:
    """The origins of both, each once, the first ones first."""
    if not first or not second or first is second:
        return first or second
    known = {(taint.kind, taint.label) for taint in first}
    added = tuple(taint for taint in second if (taint.kind, taint.label) not in known)
    return (*first, *added)[:MAX_TAINTS]


def tainted(taints: tuple[Taint, ...]) -> Value | None:
    """A value of which only the origins are known."""
    return Value(taints=taints) if taints else None


def join(first: Value | None, second: Value | None) -> Value | None:
    """Either of two values: the more telling one, with the origins of both."""
    if first is None or second is None or first is second:
        return first or second
    telling, other = (first, second) if _is_placeholder(second) else (second, first)
    taints = merge(telling.taints, other.taints)
    return telling if taints is telling.taints else telling.with_taints(taints)


def _is_placeholder(value: Value) -> bool:
    """Whether it is what a variable is set to before it has its value: None, "", [], 0."""
    return value.constant is not UNKNOWN and not value.constant
