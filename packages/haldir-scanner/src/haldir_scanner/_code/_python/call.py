"""One call: what is called, on what, and with what."""

import ast
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.value import UNKNOWN, Value


@frozen(eq=False)
class Arguments:
    """What a call gives."""

    positional: Sequence[Value | None]
    keywords: Mapping[str | None, Value | None]

    @property
    def all(self) -> list[Value | None]:
        """The arguments without their names."""
        return [*self.positional, *self.keywords.values()] if self.keywords else list(self.positional)

    def get(self, position: int, name: str = "") -> Value | None:
        """The argument at a position or of a name."""
        if position < len(self.positional):
            return self.positional[position]
        return self.keywords.get(name) if name else None

    def constants(self) -> list[object] | None:
        """The positional arguments, if all of them are known."""
        known = [value.constant for value in self.positional if value is not None and value.constant is not UNKNOWN]
        return known if len(known) == len(self.positional) else None


@frozen(eq=False)
class Call:
    """A call of something that has a name.

    Attributes:
        name: in full.
        receiver: what the method belongs to, if it is one.
    """

    node: ast.Call
    name: str
    arguments: Arguments
    receiver: Value | None

    def operands(self) -> list[Value]:
        """Everything known that the result can come from."""
        values = [self.receiver, *self.arguments.all]
        return [value for value in values if value is not None]


CallHandler = Callable[[Run, Call], Value | None]
