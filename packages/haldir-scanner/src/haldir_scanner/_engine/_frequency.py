"""How many paragraphs of real documents have a phrase: an estimate out of a table of frequent words.

The table was counted over the honest skills that the rules are tried on, by the blocks in which prose is searched.
"""

from functools import cache
from importlib.resources import files

from haldir_scanner._engine._needed import Clause

_SELDOM = 0.0025
"""Of a word that is not in the table, which begins at one block of a hundred."""
_TOGETHER = 0.7
"""Words of one phrase stand together more often than chance says: what a further word counts for."""


def share_of_clause(clause: Clause) -> float:
    """Return which share of blocks has one of the phrases, as far as is known: 0 to 1."""
    none = 1.0
    for phrase in clause:
        none *= 1 - share_of(phrase)
    return 1 - none


@cache
def share_of(phrase: str) -> float:
    """Return which share of blocks has the phrase; a blank at an end says that a word ends there."""
    words = phrase.split()
    share = 1.0
    for number, word in enumerate(words):
        begins = number > 0 or phrase.startswith(" ")
        ends = number < len(words) - 1 or phrase.endswith(" ")
        share *= _share_of_word(word, begins=begins, ends=ends) ** (_TOGETHER if number else 1)
    return share


def _share_of_word(part: str, *, begins: bool, ends: bool) -> float:
    """The share of blocks with a word that is, begins with, ends with or holds ``part``."""
    if begins and ends:
        return _table().get(part, _SELDOM)
    none = 1.0
    for word, share in _table().items():
        if word.startswith(part) if begins else word.endswith(part) if ends else part in word:
            none *= 1 - share
    return max(1 - none, _SELDOM)


@cache
def _table() -> dict[str, float]:
    """Share of blocks by word; the file has a word and a number of blocks of a thousand in each line."""
    lines = files("haldir_scanner").joinpath("_engine", "frequent_words.txt").read_text("ascii").splitlines()
    return {word: int(count) / 1000 for word, count in map(str.split, lines)}
