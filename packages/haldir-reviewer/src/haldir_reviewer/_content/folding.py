"""Text as a model reads it, without what only keeps rules from seeing it."""

import codecs
import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from attrs import frozen

from haldir_core.invisible import is_invisible

# Letters that look like Latin ones.  Source: Unicode UTS 39 confusables, single letters of Cyrillic, Greek, Armenian.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d"
    "\u0442\u03bf\u03b1\u03b9\u03bd\u03c1\u03c5\u03ba\u03c4\u0585\u057d\u0570\u0578\u0131",
    "aeopcyxijshdqwbkmhtoaivpuktoshni",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_CYRILLIC_OR_GREEK = re.compile(r"[\u0370-\u058f]")
_MIXED = re.compile(r"[a-z][\u0370-\u058f]|[\u0370-\u058f][a-z]")
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"[*_`~#>|\\/<\[\](){}\"\u201c\u201d\u2018\u2019']+")
_SPACE = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\u\{?([0-9a-fA-F]{4,5})\}?|\\([0-3][0-7]{2})")
_TAG = re.compile(r"<[^<>\n]{0,300}>|[*`~]")
_INSIDE_A_WORD = re.compile(r"[^\W_](?:<[^<>\n]{0,300}>|[*`~])+[^\W_]")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&#?\w{2,8};")
_LETTERS = re.compile(r"[^a-z0-9@$]+")

Fold = Callable[[str], str]


@frozen
class Folded:
    """A folded text; ``starts`` are the offsets of its lines in it."""

    text: str
    starts: Sequence[int]

    def line(self, offset: int) -> int:
        """Return the number, from 1, of the line to which ``offset`` belongs."""
        return max(bisect_right(self.starts, offset), 1)


def fold(text: str) -> Folded:
    """Return ``text`` on one line: small letters, one space, no markup, nothing invisible, look-alikes as Latin."""
    return _joined(text, _fold_line, " ")


def squeeze(text: str) -> Folded:
    """Return only letters and digits of ``text``, the digits that stand for letters as letters."""
    return _joined(text, _squeeze_line, "")


def decoded_views(text: str) -> Iterator[str]:
    """Yield ``text`` with its escapes resolved, or without its markup, in each way that changes it.

    Line feeds stay where they are.
    """
    if _ESCAPE.search(text):
        yield _ESCAPE.sub(_unescaped, text)
    if _INSIDE_A_WORD.search(text):
        yield _TAG.sub("", text)
    if _PERCENT.search(text):
        yield _PERCENT.sub(lambda match: match[0] if match[0].lower() in {"%0a", "%0d"} else unquote(match[0]), text)
    if _ENTITY.search(text):
        yield _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\n", " "), text)


def turned(squeezed: Folded) -> tuple[tuple[str, str], ...]:
    """Return a squeezed text as it is, backwards, and by rot13, each with its name."""
    text = squeezed.text
    return (("", text), ("backwards", text[::-1]), ("rot13", codecs.encode(text, "rot13")))


def _joined(text: str, fold_line: Fold, separator: str) -> Folded:
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for line in text.split("\n"):
        starts.append(at)
        folded = fold_line(line)
        if folded:
            parts.append(folded)
            at += len(folded) + len(separator)
    return Folded(separator.join(parts), starts)


def _fold_line(line: str) -> str:
    if line.isascii():
        plain = line.lower()
    else:
        normal = unicodedata.normalize("NFKC", line).casefold()
        plain = _latin("".join(_without_accent(char) for char in normal))
    return _SPACE.sub(" ", _MARKUP.sub(" ", plain)).strip()


def _squeeze_line(line: str) -> str:
    return _LETTERS.sub("", _fold_line(line)).translate(_LEET)


def _without_accent(char: str) -> str:
    """The letter under the accent, if it is Latin; a blank for a blank; nothing for what nobody sees."""
    if char.isspace():
        return " "
    if is_invisible(char) or unicodedata.category(char) == "Mn":
        return ""
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else char


def _latin(text: str) -> str:
    """``text`` with look-alikes as Latin letters, in words that have Latin letters, too, or nothing else than those."""
    if not _CYRILLIC_OR_GREEK.search(text):
        return text
    return _WORD.sub(lambda match: _latin_word(match[0]), text)


def _latin_word(word: str) -> str:
    changed = word.translate(_LOOK_ALIKES)
    return changed if _MIXED.search(word) or changed.isascii() else word


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    char = chr(int(digits, 16)) if digits else chr(int(match[3], 8))
    return " " if char == "\n" or "\ud800" <= char <= "\udfff" else char
