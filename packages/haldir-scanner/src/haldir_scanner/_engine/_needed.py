"""The words that a text must hold so that a pattern can match in it.

Texts are compared in their plain form (``plain``): letters and digits in lower case, everything else one blank.  A
clause is a set of phrases of which one is needed; a pattern needs one phrase of each of its clauses.  What is not
understood needs nothing, so that a pattern is looked at too often rather than too seldom.
"""

import itertools
import re
from collections.abc import Iterable, Sequence

from attrs import frozen

Clause = frozenset[str]
"""Phrases of which one is needed; a blank at an end says that a word ends there."""

_MAX_PHRASES = 128
"""Of one clause; a longer one says too little."""
_MAX_CLASS = 4
_LEAST_LETTERS = 3
"""A shorter phrase is nearly everywhere."""
_MAX_DISTRIBUTED = 3
"""Alternatives of which each pair of clauses is kept, rather than the best one of each."""

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_PLAIN = bytes(
    byte if byte in _LETTERS else byte + 32 if byte + 32 in _LETTERS and byte >= ord("A") else ord(" ")
    for byte in range(256)
)

_TOKEN = re.compile(
    r"""(?P<group>\(\?(?P<flags>[a-zA-Z-]*)(?P<scoped>:?)(?P<closed>\)?)|\(\?P?<\w+>|\()
    |(?P<close>\))
    |(?P<bar>\|)
    |(?P<repeat>(?:[*+?]|\{(?P<least>\d+)(?:,(?P<most>\d*))?\})\??)
    |(?P<class>\[\^?\]?(?:\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\.|\[:\^?\w+:\]|[^\]\\])*\])
    |(?P<end>\\[bBAz]|[\^$])
    |(?P<gap>\\[sW])
    |(?P<code>\\x(?P<hex>[0-9A-Fa-f]{2}))
    |(?P<any>\\[pP](?:\{\^?\w+\}|\w)|\\[dDwSCQ0-9]|\\x\{[0-9A-Fa-f]+\}|\.)
    |(?P<escaped>\\.)
    |(?P<letter>.)""",
    re.VERBOSE | re.DOTALL,
)
_CONTROL = frozenset("ntrfva")
_INSIDE = re.compile(r"\\x[0-9A-Fa-f]{2}|\\.|.", re.DOTALL)


_ANY_END: Clause = frozenset({""})


@frozen
class _Need:
    """What a piece of a pattern needs.

    Attributes:
        exact: the plain forms of all texts that it can match; None if they are not known or too many.
        clauses: what it needs; empty where ``exact`` is known.
        head: what its texts begin with, where ``exact`` is not known.
        tail: what they end with.
    """

    exact: Clause | None
    clauses: tuple[Clause, ...] = ()
    head: Clause = _ANY_END
    tail: Clause = _ANY_END

    def all_clauses(self) -> tuple[Clause, ...]:
        return self.clauses if self.exact is None else (self.exact, *self.clauses)

    def first(self) -> Clause:
        return self.head if self.exact is None else self.exact

    def last(self) -> Clause:
        return self.tail if self.exact is None else self.exact


_NOTHING = _Need(frozenset({""}))
_BLANK = _Need(frozenset({" "}))
_ANYTHING = _Need(None)


def plain(text: bytes) -> bytes:
    """The plain form of a text, with a blank at both ends."""
    return b" " + b" ".join(text.translate(_PLAIN).split()) + b" "


def needed(source: str) -> frozenset[Clause]:
    """The clauses of a pattern in RE2's syntax; none if it may match anywhere."""
    # As RE2 reads it: in Latin-1, one byte one letter.
    need = _Reader(list(_TOKEN.finditer(source.encode().decode("latin-1")))).alternatives()
    return frozenset(shortest(clause) for clause in need.all_clauses() if _is_telling(clause))


def shortest(clause: Clause) -> Clause:
    """The clause without phrases that hold another one of its phrases."""
    kept: list[str] = []
    for phrase in sorted(clause, key=len):
        if not any(shorter in phrase for shorter in kept):
            kept.append(phrase)
    return frozenset(kept)


def implies(one: Clause, other: Clause) -> bool:
    """Whether every text with a phrase of the one has a phrase of the other."""
    return all(any(phrase in longer for phrase in other) for longer in one)


def _is_telling(clause: Clause) -> bool:
    return 0 < len(clause) <= _MAX_PHRASES and all(len(phrase.strip()) >= _LEAST_LETTERS for phrase in clause)


def _worth(clause: Clause) -> float:
    """How seldom a clause is met: long phrases, and few."""
    return min(map(len, clause)) - len(clause) / 16


class _Reader:
    """Reads the tokens of a pattern from left to right."""

    def __init__(self, tokens: Sequence[re.Match[str]]) -> None:
        self._tokens = tokens
        self._next = 0

    def alternatives(self) -> _Need:
        """Read up to the end of the group."""
        branches = [self._sequence()]
        while self._next < len(self._tokens) and self._tokens[self._next]["bar"]:
            self._next += 1
            branches.append(self._sequence())
        self._next += 1  # the bracket that closes the group, or the end
        return branches[0] if len(branches) == 1 else _either(branches)

    def _sequence(self) -> _Need:
        run, clauses, head = _ANY_END, list[Clause](), None
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token["close"] or token["bar"]:
                break
            piece = self._repeated(self._piece())
            joined = _joined(run, piece.exact)
            if joined is None:
                # What is known of the piece at its two ends belongs to what stands beside it.
                begun = _joined(run, piece.head if piece.exact is None else _ANY_END) or run
                head = begun if head is None else head
                clauses += [begun, *piece.clauses]
                joined = piece.tail if piece.exact is None else piece.exact
            run = joined
        return _Need(run) if head is None else _Need(None, (*clauses, run), head, run)

    def _piece(self) -> _Need:
        token = self._tokens[self._next]
        self._next += 1
        if token["group"]:
            # Flags that stand alone hold for what follows; case is of no account here.
            return _NOTHING if token["closed"] else self.alternatives()
        return _of_one(token)

    def _repeated(self, piece: _Need) -> _Need:
        while self._next < len(self._tokens) and (repeat := self._tokens[self._next])["repeat"]:
            self._next += 1
            piece = _times(piece, repeat)
        return piece


def _of_one(token: re.Match[str]) -> _Need:
    """What a token needs that stands for one letter, or for the place between two."""
    if token["letter"] or token["code"]:
        return _letter(token["letter"] or chr(int(token["hex"], 16)))
    if token["class"]:
        return _one_of(token["class"])
    if token["end"]:
        return _NOTHING if token["end"] in {"\\B", "\\A", "\\z"} else _BLANK
    escaped = token["escaped"]
    if token["gap"] or (escaped and (escaped[1] in _CONTROL or not escaped[1].isalnum())):
        return _BLANK
    return _ANYTHING


def _joined(left: Clause, right: Clause | None) -> Clause | None:
    """Every phrase of the one with every phrase of the other; None if they are too many or not known."""
    if right is None or len(left) * len(right) > _MAX_PHRASES:
        return None
    return frozenset(_short(first + second) for first in left for second in right)


def _short(phrase: str) -> str:
    return phrase.replace("  ", " ")


def _times(piece: _Need, repeat: re.Match[str]) -> _Need:
    sign = repeat["repeat"][0]
    least = int(repeat["least"]) if sign == "{" else 1 if sign == "+" else 0
    is_once = sign == "?" or (sign == "{" and (repeat["most"] or repeat["least"]) == "1" and repeat["most"] != "")
    if piece.exact is not None and (is_once or piece.exact == _BLANK.exact):
        return piece if least else _Need(piece.exact | {""})
    return _Need(None, piece.all_clauses(), piece.first(), piece.last()) if least else _ANYTHING


def _either(branches: Iterable[_Need]) -> _Need:
    branches = list(branches)
    known = [branch.exact for branch in branches if branch.exact is not None]
    if len(known) == len(branches):
        together = frozenset[str]().union(*known)
        if len(together) <= _MAX_PHRASES:
            return _Need(together)
    head, tail = _union(branch.first() for branch in branches), _union(branch.last() for branch in branches)
    telling = [sorted(filter(_is_telling, branch.all_clauses()), key=_worth, reverse=True) for branch in branches]
    if not all(telling):
        return _Need(None, (), head, tail)
    # (a and b) or (c and d) needs: a or c, a or d, b or c, b or d.
    most = 2 if len(branches) <= _MAX_DISTRIBUTED else 1
    choices = itertools.product(*(clauses[:most] for clauses in telling))
    return _Need(None, tuple(frozenset[str]().union(*choice) for choice in choices), head, tail)


def _union(ends: Iterable[Clause]) -> Clause:
    """All of these ends; none is known if they are too many."""
    together = frozenset[str]().union(*ends)
    return together if len(together) <= _MAX_PHRASES else _ANY_END


def _letter(letter: str) -> _Need:
    return _Need(frozenset({plain_letter(letter)}))


def plain_letter(letter: str) -> str:
    """The plain form of one letter of Latin-1."""
    return chr(_PLAIN[ord(letter)])


def _one_of(written: str) -> _Need:
    """A class of a few letters, or of nothing but what is a blank in the plain form."""
    inside = written[1:-1]
    if inside.startswith("^") or "[:" in inside:
        return _ANYTHING
    letters = set()
    items = _INSIDE.findall(inside)
    for number, item in enumerate(items):
        if item == "-" and 0 < number < len(items) - 1:
            return _ANYTHING  # a range
        if item.startswith("\\x") and len(item) == len("\\x00"):
            letters.add(plain_letter(chr(int(item.removeprefix("\\x"), 16))))
        elif item.startswith("\\"):
            if item[1] == "s" or item[1] in _CONTROL or not item[1].isalnum():
                letters.add(" ")
            else:
                return _ANYTHING
        else:
            letters.add(plain_letter(item))
    return _Need(frozenset(letters)) if len(letters) <= _MAX_CLASS else _ANYTHING
