"""HTML that cannot be broken by what it shows: every text is escaped, and what nobody could see is made visible."""

import html
import re
from typing import TYPE_CHECKING, TypeAlias

from haldir_core.invisible import is_invisible

if TYPE_CHECKING:
    from collections.abc import Sequence

_VOID = {"meta": ">", "circle": "/>", "rect": "/>"}
"""Elements without content, and how they end: those of SVG need the slash."""
_MAYBE_UNSEEN = re.compile(r"[^\x20-\x7e]")


class Markup(str):
    """HTML that is safe; only this module makes it from texts."""

    __slots__ = ()


Node: TypeAlias = "str | int | Sequence[Node] | None"
"""What may stand in an element: HTML, text, nothing, or several of them."""


def element(tag: str, /, *children: Node, **attributes: str | int | None) -> Markup:
    """Return an element; ``class_`` is ``class``, and an underscore in a name is a hyphen."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(plain(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{shown}{_VOID[tag]}")
    return Markup(f"<{tag}{shown}>{inner(*children)}</{tag}>")


def inner(*children: Node) -> Markup:
    """Return several things as HTML; texts are escaped."""
    return Markup("".join(_node(child) for child in children))


def foreign(text: str, tag: str = "span") -> Markup:
    """Return a text of the skill: escaped, and apart from its surroundings, whichever way its letters run."""
    return element(tag, text, class_="foreign", dir="auto")


def plain(text: str) -> str:
    """Return ``text`` with every character that cannot be seen written as its number; for attributes and titles."""
    return _MAYBE_UNSEEN.sub(lambda match: _number(match[0]) if is_invisible(match[0]) else match[0], text)


def _node(child: Node) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str | int):
        return _text(str(child))
    return str(inner(*child))


def _text(text: str) -> str:
    """Return ``text`` as HTML, with a visible mark for every character that cannot be seen."""
    pieces = []
    end = 0
    for match in _MAYBE_UNSEEN.finditer(text):
        if not is_invisible(match[0]):
            continue
        number = _number(match[0])
        pieces += [html.escape(text[end : match.start()]), f'<span class="unseen">{number}</span>']
        end = match.end()
    return "".join(pieces) + html.escape(text[end:])


def _number(char: str) -> str:
    return f"U+{ord(char):04X}"
