"""What is known of a value of a JavaScript program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tree_sitter import Node

HOLE = "{}"  # stands in a text for what is not known
LONGEST_TEXT = 256 * 1024
MOST_ITEMS = 4096
MOST_OTHERS = 4

ESCAPES = "escapes"
CONCATENATED = "concatenated"
# What hides a text from its reader, other than being put together.
DECODINGS = frozenset({"base64", "hex", "reversed", "character codes", "percent", "inflate", "xor", "rot13"})


class TooMuchWorkError(Exception):
    """The program asks for more work than an analysis may cost."""


@define
class Budget:
    """Units of work that may still be spent; a unit is about the evaluation of an expression."""

    left: int

    def spend(self, units: int = 1) -> None:
        """Raises: TooMuchWorkError if nothing is left."""
        self.left -= units
        if self.left < 0:
            raise TooMuchWorkError


@frozen
class Value:
    """A value, as far as it is known.

    Attributes:
        text: of a string, with HOLE for what is not known of it; None for what is no string.
        others: of a string that may be one of several: these.
        number: of a number.
        items: of an array.
        fields: of an object.
        name: of something that the language or a module provides: "eval", "child_process.exec".
        function: the syntax of a function of the program.
        taints: where the value or a part of it comes from, and the bytes of the source at which it does.
        chain: how the text was had, if it does not stand in the source.
    """

    text: str | None = None
    others: tuple[str, ...] = ()
    number: float | None = None
    items: tuple[Value, ...] | None = None
    fields: Mapping[str, Value] | None = None
    name: str = ""
    function: Node | None = None
    taints: Mapping[str, int] = field(factory=dict)
    chain: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All that the text may be."""
        return self.others if self.text is None else (self.text,)

    @property
    def known(self) -> str | None:
        """The text if all of it is known."""
        return self.text if self.text is not None and HOLE not in self.text else None

    def behind(self, trick: str) -> Value:
        """The same, had by ``trick``."""
        return self if trick in self.chain else evolve(self, chain=(*self.chain, trick))

    def tainted(self, taint: str, place: int) -> Value:
        """The same with one more origin."""
        return evolve(self, taints={taint: place, **self.taints})

    def derived(self, text: str, trick: str = "") -> Value:
        """A text that was made from this one."""
        chain = self.chain if not trick or trick in self.chain else (*self.chain, trick)
        return Value(text=text[:LONGEST_TEXT], taints=self.taints, chain=chain)

    def without(self, *taints: str) -> Value:
        """The same without some origins."""
        if not any(taint in self.taints for taint in taints):
            return self
        return evolve(self, taints={taint: place for taint, place in self.taints.items() if taint not in taints})


UNKNOWN = Value()


def union(values: Iterable[Value]) -> Value:
    """What is known of a value that is one of these, or is made of them."""
    taints: dict[str, int] = {}
    name = ""
    function = None
    texts: dict[str, None] = {}
    for value in values:
        taints = {**value.taints, **taints} if value.taints else taints
        name = name or value.name
        function = function or value.function
        texts.update(dict.fromkeys(value.texts))
    others = tuple(texts)[:MOST_OTHERS]
    return Value(others=others, name=name, function=function, taints=taints)


def mixed(values: Iterable[Value]) -> Value:
    """What is known of something that is made of these, and is none of them."""
    taints: dict[str, int] = {}
    for value in values:
        taints = {**value.taints, **taints} if value.taints else taints
    return Value(taints=taints)


def concatenated(values: Iterable[Value], trick: str = CONCATENATED) -> Value:
    """The texts one after the other."""
    texts: list[str] = []
    taints: dict[str, int] = {}
    chain: dict[str, None] = {}
    room = LONGEST_TEXT
    for value in values:
        text = as_text(value)
        texts.append(text[: max(room, 0)] if room >= 0 else HOLE)
        room -= len(text)
        taints = {**value.taints, **taints} if value.taints else taints
        chain.update(dict.fromkeys(value.chain))
    if trick and len(texts) > 1:
        chain[trick] = None
    return Value(text="".join(texts), taints=taints, chain=tuple(chain))


def as_text(value: Value) -> str:
    """The value as a part of a text."""
    if value.text is not None:
        return value.text
    if value.number is not None:
        return number_text(value.number)
    if value.items is not None and len(value.items) < MOST_ITEMS:
        return ",".join(as_text(item) for item in value.items)
    return HOLE


def number_text(number: float) -> str:
    """The number as JavaScript writes it, for the numbers that matter here."""
    return str(int(number)) if number == number // 1 else str(number)
