"""What is known about a text that a shell script handles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Of one text, in bytes; what is longer is cut and no longer known.
LONGEST_TEXT = 256 * 1024

# Where a text comes from.
SECRET = "secret"  # noqa: S105 - the name of an origin: private keys, credential stores, browser profiles
TOKEN = "token"  # noqa: S105 - as above: a token that also honest clients present to the service that issued it
ENVIRONMENT = "environment"  # all variables
FILES = "files"  # many files of the user
FETCHED = "fetched"
DECODED = "decoded"
INPUT = "input"  # arguments of the script
CLONED = "cloned"
KEY = "key:"  # a variable with a key; the issuer follows
HEADER_ONLY = ", in headers only"  # ends the issuer of a key that never is a part of a message
WALLET_KEY = KEY + "wallet itself"  # nobody issued it, and nobody is sent it

# How a text differs from what stands in the script.
QUOTES = "quotes"
BACKSLASH = "backslash"
ESCAPE = "escape"
SEPARATOR = "field separator"
GLOB = "glob"
SLICE = "slice"
VARIABLE = "variable"


@frozen
class Value:
    """A text, its origins, and what was done to it.

    Attributes:
        text: the text; what is unknown stands in it as in the script.
        is_known: whether nothing in it is unknown.
        taints: origins of the text or a part of it, and the places from which it has them.
        tricks: how it differs from what stands in the script.
    """

    text: str = ""
    is_known: bool = True
    taints: Mapping[str, int] = field(factory=dict)
    tricks: tuple[str, ...] = ()

    def with_taint(self, taint: str, place: int) -> Value:
        """The same text with one more origin."""
        return Value(self.text, self.is_known, {taint: place, **self.taints}, self.tricks)

    def derived(self, text: str, trick: str = "") -> Value:
        """``text``, had from this one by ``trick``."""
        tricks = (*self.tricks, trick) if trick and trick not in self.tricks else self.tricks
        return Value(text[:LONGEST_TEXT], self.is_known and len(text) <= LONGEST_TEXT, self.taints, tricks)

    def behind(self, trick: str) -> Value:
        """The same text, said to be had by ``trick``."""
        return self.derived(self.text, trick)

    def unknown(self, text: str = "") -> Value:
        """A text of the same origins of which nothing else is known."""
        return Value(text, is_known=False, taints=self.taints, tricks=())


NOTHING = Value()


def joined(values: Iterable[Value], separator: str = "") -> Value:
    """The values one after the other."""
    texts: list[str] = []
    taints: dict[str, int] = {}
    tricks: dict[str, None] = {}
    is_known = True
    room = LONGEST_TEXT
    for value in values:
        texts.append(value.text[: max(room, 0)])
        room -= len(value.text)
        taints = {**value.taints, **taints} if value.taints else taints
        tricks.update(dict.fromkeys(value.tricks))
        is_known = is_known and value.is_known
    return Value(separator.join(texts), is_known and room >= 0, taints, tuple(tricks))
