"""The names of a module or function, and what they hold on the branch that is evaluated."""

from attrs import define, field

from haldir_scanner._code._python.value import Value, join

_ABSENT = Value()


@define(eq=False)
class Scope:
    """The names of one module, class or function.

    Attributes:
        parent: where names are looked up that this one does not hold.
        module: the outermost scope, for ``global`` names.
        outer_names: declared ``global`` or ``nonlocal``.
    """

    parent: "Scope | None" = None
    names: dict[str, Value | None] = field(factory=dict)
    outer_names: set[str] = field(factory=set)
    _changes: list[dict[str, Value | None]] = field(factory=list)

    def assign(self, name: str, value: Value | None) -> None:
        """Let the name hold the value, from here on and on this branch."""
        if name in self.outer_names and self.parent is not None:
            scope = self.parent
            while scope.parent is not None and name not in scope.names:
                scope = scope.parent
            scope.assign(name, join(scope.names.get(name), value))
            return
        if self._changes and name not in self._changes[-1]:
            self._changes[-1][name] = self.names.get(name, _ABSENT)
        self.names[name] = value

    def fork(self) -> None:
        """Begin a branch."""
        self._changes.append({})

    def leave(self) -> dict[str, Value | None]:
        """End the branch and undo it; what it had assigned."""
        changed = self._changes.pop()
        assigned = {name: self.names[name] for name in changed}
        for name, old in changed.items():
            if old is _ABSENT:
                del self.names[name]
            else:
                self.names[name] = old
        return assigned

    def meet(self, assigned: dict[str, Value | None]) -> None:
        """Let the names hold what they hold, or what a branch has assigned."""
        for name, value in assigned.items():
            self.assign(name, join(self.names.get(name), value))
