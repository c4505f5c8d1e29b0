"""How two names that are one edit apart differ, and whether that deceives.

Which edits count from which length on was chosen by the rate of honest names that they hit.
Decision: docs/decisions/0016-auditor.md, "Names".
"""

from enum import StrEnum

_SEPARATORS = str.maketrans("", "", "-_./@ ")
_LOOK_ALIKE = frozenset(
    frozenset(pair)
    for pair in ("0o", "1l", "1i", "3e", "5s", "8b", "6g", "9g", "4a", "7t", "2z", "il", "vw", "vu", "mn", "ou", "ce")
)
"""Characters that look like each other."""

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = frozenset(frozenset(row[index : index + 2]) for row in _KEYS for index in range(len(row) - 1))
"""Keys that lie side by side."""


class Edit(StrEnum):
    """An edit that deceives, in the words of a report."""

    SWAPPED = "has two letters swapped"
    MISSING = "lacks a letter"
    BEHEADED = "lacks the first letter"
    DOUBLED = "has a letter twice"
    ADDED = "has a letter more"
    PREFIXED = "has a letter more at the beginning"
    LOOKS_LIKE = "has a character that looks alike"
    MISTYPED = "has a letter of the key beside it"
    OTHER = "has another letter in one place"


_LEAST_LENGTH = {
    Edit.SWAPPED: 5,
    Edit.MISSING: 5,
    Edit.BEHEADED: 7,
    Edit.DOUBLED: 5,
    Edit.ADDED: 6,
    Edit.PREFIXED: 7,
    Edit.LOOKS_LIKE: 5,
    Edit.MISTYPED: 6,
    Edit.OTHER: 8,
}
"""How long the well-known name must be: short names have too many honest neighbours."""


def flattened(name: str) -> str:
    """The name without separators, in lower case."""
    return name.lower().translate(_SEPARATORS)


def difference(name: str, known: str) -> str | None:
    """How ``name`` differs from ``known``, which is one edit away; None if the edit is no sign of deception."""
    edit = _edit(name, known)
    return edit.value if edit is not None and len(known) >= _LEAST_LENGTH[edit] else None


def _edit(name: str, known: str) -> Edit | None:
    if len(name) == len(known):
        return _replaced(name, known)
    longer, shorter = (name, known) if len(name) > len(known) else (known, name)
    place = next((place for place, char in enumerate(shorter) if longer[place] != char), len(shorter))
    char = longer[place]
    if char.isdigit() or char in "-_./":
        return None  # versions of the same (cssselect2), and separators, which are compared elsewhere
    if longer is known:
        return Edit.BEHEADED if place == 0 else Edit.MISSING
    if char in {longer[place - 1] if place else "", longer[place + 1 : place + 2]}:
        return Edit.DOUBLED
    return Edit.PREFIXED if place == 0 else Edit.ADDED


def _replaced(name: str, known: str) -> Edit | None:
    places = [place for place, char in enumerate(name) if char != known[place]]
    if len(places) == 2:
        return Edit.SWAPPED
    pair = frozenset({name[places[0]], known[places[0]]})
    digits = sum(char.isdigit() for char in pair)
    if digits == 2 or any(not char.isalnum() for char in pair):
        return None
    if digits == 1:
        return Edit.LOOKS_LIKE if pair in _LOOK_ALIKE else None
    if pair in _NEIGHBOURS:
        return Edit.MISTYPED
    return Edit.OTHER
