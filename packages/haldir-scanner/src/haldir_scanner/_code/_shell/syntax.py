"""What a shell script consists of: pipelines of commands, made of words, made of parts."""

from __future__ import annotations

from attrs import define, field


class TooMuchWorkError(Exception):
    """The script asks for more work than an analysis may cost."""


@define
class Budget:
    """Units of work that may still be spent; a unit is about a token or a kilobyte copied."""

    left: int

    def spend(self, units: int = 1) -> None:
        """Raises: TooMuchWorkError if nothing is left."""
        self.left -= units
        if self.left < 0:
            raise TooMuchWorkError


@define
class Literal:
    """Text that stands for itself; ``trick`` says by which unusual spelling."""

    text: str
    quoted: bool = False
    trick: str = ""


@define
class Variable:
    """An expansion of a parameter: ``$name``, or ``${name operator operand}``."""

    source: str
    name: str
    rest: str = ""
    quoted: bool = False


@define
class Arithmetic:
    """``$((...))``."""

    source: str
    expression: str
    quoted: bool = False


@define
class Substitution:
    """``$(...)``, or ``<(...)`` with the kind ``<``."""

    source: str
    body: list[Pipeline]
    quoted: bool = False
    kind: str = "$"


Part = Literal | Variable | Arithmetic | Substitution


@define
class Word:
    """A word, from the character ``begin`` of the source."""

    parts: list[Part]
    begin: int
    end: int


@define
class Redirect:
    """``operator`` (without its file descriptor), and the word behind it: a file, or the text of a here-document."""

    operator: str
    target: Word
    descriptor: str = ""


@define
class Simple:
    """A command with its arguments."""

    begin: int
    end: int = 0
    words: list[Word] = field(factory=list)
    redirects: list[Redirect] = field(factory=list)


@define
class Group:
    """A compound command: ``{``, ``(``, ``if``, ``while``, ``for``, ``case`` or ``function``.

    ``name`` is the variable of a loop or the name of a function, ``words`` the items of a loop.
    """

    kind: str
    begin: int
    end: int = 0
    name: str = ""
    words: list[Word] = field(factory=list)
    body: list[Pipeline] = field(factory=list)
    redirects: list[Redirect] = field(factory=list)


@define
class Pipeline:
    """Commands whose outputs are the inputs of the next."""

    stages: list[Simple | Group]
    begin: int
    end: int
