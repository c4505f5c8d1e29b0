"""Names that a reader takes for one another."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from haldir_core.invisible import is_invisible

# Letters of other scripts in the shape of Latin ones, after lower case.  Source: Unicode UTS 39, confusables.txt,
# the rows for Cyrillic, Greek and Armenian small letters.
_SHAPES = str.maketrans(
    {
        "\u0430": "a", "\u0435": "e", "\u0456": "i", "\u0458": "j", "\u043e": "o", "\u0440": "p", "\u0441": "c",
        "\u0443": "y", "\u0445": "x", "\u0455": "s", "\u04bb": "h", "\u0501": "d", "\u051b": "q", "\u051d": "w",
        "\u03b1": "a", "\u03b9": "i", "\u03bd": "v", "\u03bf": "o", "\u03c1": "p", "\u03c5": "u", "\u03b3": "y",
        "\u0578": "n", "\u057d": "u", "\u0585": "o", "\u0581": "g", "\u0566": "q", "\u0570": "h",
        "\u0261": "g", "\u0131": "i", "\u0269": "i", "\u1d0f": "o", "\u0251": "a",
        "\u043a": "k", "\u043c": "m", "\u0442": "t", "\u043d": "h", "\u0432": "b", "\u03ba": "k", "\u03c4": "t",
        "0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "$": "s", "@": "a",
        "-": "_", ".": "_", "/": "_", " ": "_", "\u2010": "_", "\u2011": "_", "\u2012": "_", "\u2013": "_",
        "\u2014": "_", "\u2212": "_",
    }
)  # fmt: skip
_REMEMBERED = 20_000  # names: each page of a list is compared with all tools of the server
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


@lru_cache(_REMEMBERED)
def skeleton(name: str) -> str:
    """Return the text that all names share that look like ``name``."""
    text = "".join(
        char
        for char in unicodedata.normalize("NFKD", name).casefold()
        if not unicodedata.combining(char) and not is_invisible(char)
    )
    text = text.translate(_SHAPES).translate(_SHAPES)  # the small letters of other scripts first, then their likes
    for pair, one in _PAIRS:
        text = text.replace(pair, one)
    return text


def lookalike_index(names: Iterable[str]) -> dict[str, set[str]]:
    """Return the names by what they look like."""
    index: dict[str, set[str]] = {}
    for name in names:
        index.setdefault(skeleton(name), set()).add(name)
    return index


def lookalikes_of(name: str, index: dict[str, set[str]]) -> tuple[str, ...]:
    """Return the other names in an index that look like ``name``, sorted."""
    return tuple(sorted(index.get(skeleton(name), set()) - {name}))
