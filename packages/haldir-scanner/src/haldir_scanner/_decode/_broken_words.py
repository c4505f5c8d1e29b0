"""Words of orders whose letters are kept apart, swapped for digits, or accented: how they look, and what they say."""

import re
import unicodedata
from collections.abc import Mapping

# What an injected order can hardly do without; none of them is a name in programs.
_WORDS = frozenset(
    {"ignore", "previous", "instructions", "disregard", "password", "credentials", "secrets", "curl", "bash", "wget"}
)
_LONG_WORDS = ("ignore", "previous", "instructions", "disregard")
# Marks that a page does not show: emphasis, elements, comments, characters without width.
_UNSEEN = r"(?:\*{1,3}|</?[a-z]{1,8} ?/?>|<!--[^>]{0,40}-->|&(?:shy|zwnj|zwj|nobreak|#x?[0-9a-f]{2,6});)"
_DIGITS = {"a": "[4@]", "e": "3", "i": "[1!|]", "o": "0", "s": "[5$]", "t": "7"}
# Latin letters with marks: U+00C0 to U+017F, U+1E00 to U+1EFF.
_ACCENTED = r"(?:[\xc3-\xc5][\x80-\xbf]|\xe1[\xb8-\xbb][\x80-\xbf])"

_RUN = re.compile(rf"(?i)(?<![a-z])[a-z]{{1,30}}(?:{_UNSEEN}{{1,3}}[a-z]{{1,30}})+".encode())
_MARKS = re.compile(f"(?i){_UNSEEN}".encode())
_POINTED = re.compile(rb"(?i)(?<![a-z.-])[a-z]{1,11}(?:[-.~][a-z]{1,11}){1,11}(?![a-z-])")
_PLAIN = bytes.maketrans(b"4@31!|05$7", b"aaeiiiosst")
_LATIN = re.compile("[\u00c0-\u017f\u1e00-\u1eff]")


def _pointed(word: str) -> str:
    """A pattern of the first parting of ``word``."""
    return "|".join(f"{word[:place]}[-.~]{word[place]}" for place in range(1, len(word)))


def _swapped(word: str, places: range, signs: Mapping[str, str]) -> str:
    """A pattern of ``word`` up to the first letter for which one of ``signs`` stands, and two letters more."""
    either = [f"(?:{letter}|{signs.get(letter, letter)})" for letter in word]
    return "|".join(
        word[:place] + signs[word[place]] + "".join(either[place + 1 : place + 3])
        for place in places
        if word[place] in signs
    )


# What a text must hold for a closer look (RE2 syntax): short, because they are compiled at every start.
PARTED = rf"[a-z]{_UNSEEN}{{1,2}}[a-z]".encode()
POINTED = "|".join(rf"\b(?:{_pointed(word)})" for word in _LONG_WORDS).encode()
DIGITS = "|".join(_swapped(word, range(len(word)), _DIGITS) for word in _LONG_WORDS).encode()
# "Ignor\u00e9" is a word of other languages, so the last letter does not count.
ACCENTED = "|".join(
    _swapped(word, range(len(word) - 1), dict.fromkeys("aeiou", _ACCENTED)) for word in _LONG_WORDS
).encode()


def joined(data: bytes) -> bytes:
    """``data`` without the marks within words that a page does not show, if words of orders come out."""
    words = {_MARKS.sub(b"", run[0]).lower().decode() for run in _RUN.finditer(data)}
    return data if words.isdisjoint(_WORDS) else _RUN.sub(lambda run: _MARKS.sub(b"", run[0]), data)


def pointless(data: bytes) -> bytes:
    """``data`` with those words whole that points or hyphens part, if they are words of orders."""

    def whole(run: re.Match[bytes]) -> bytes:
        word = run[0].translate(None, b"-.~")
        return word if word.lower().decode() in _LONG_WORDS else run[0]

    return _POINTED.sub(whole, data)


def undigited(data: bytes) -> bytes:
    """``data`` with the letters that digits stand for."""
    return data.translate(_PLAIN)


def unaccented(data: bytes) -> bytes:
    """``data`` (UTF-8) with Latin letters that have lost their marks."""
    text = data.decode("utf-8", "replace")
    return _LATIN.sub(lambda letter: unicodedata.normalize("NFD", letter[0])[0], text).encode("utf-8", "replace")
