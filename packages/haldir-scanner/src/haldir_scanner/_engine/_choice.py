"""Which of the clauses that a pattern needs are worth looking for: those that few paragraphs have."""

import re
from collections.abc import Iterable, Sequence

from haldir_scanner._engine._frequency import share_of, share_of_clause
from haldir_scanner._engine._needed import Clause, needed, shortest

MAX_CLAUSES = 3
"""Of one pattern."""
_MAX_SHARE = 0.1
"""A pattern whose phrases more paragraphs have is better looked for itself."""
_ENOUGH = 0.01
"""Where so few paragraphs are left, a further clause costs more than it saves."""
_USELESS = 0.4
_ALIKE = 0.8
"""Paragraphs that have the words of one clause have those of the other more often than chance says."""
_LOOSER = 1.35
"""So many times as often may a phrase be found that stands for a longer one as well."""
_LOOSER_BY = 0.02
# What a hostile text may hold at each place.
_FREQUENT = re.compile(r"(?:\\b|\b)(?:curl|wget|iwr|irm|ignore|https?\??:)", re.IGNORECASE)
_MAX_PROBES = 64
_LEAST_PROBE = 4
"""Letters of the longest word of a phrase that is looked for in place of a pattern."""


def chosen(source: str) -> tuple[Clause, ...]:
    """The clauses of a pattern to look for; none if it is better looked for itself."""
    clauses, left = list[Clause](), 1.0
    for share, _, clause in sorted((share_of_clause(clause), sorted(clause), clause) for clause in needed(source)):
        if len(clauses) == MAX_CLAUSES or (clauses and (left <= _ENOUGH or share >= _USELESS)):
            break
        if not any(_implies(other, clause) for other in clauses):
            clauses.append(clause)
            left *= share**_ALIKE
    return tuple(clauses) if left <= _MAX_SHARE else ()


def merged(choices: Iterable[Sequence[Clause]]) -> list[tuple[Clause, ...]]:
    """The same clauses with fewer phrases: one word is not looked for in several forms that say nearly the same."""
    choices = list(choices)
    phrases = {phrase for clauses in choices for clause in clauses for phrase in clause}
    form = {phrase: _loosest(phrase, phrases) for phrase in phrases}
    return [tuple(shortest(frozenset(form[phrase] for phrase in clause)) for clause in clauses) for clauses in choices]


def probes_of(source: str) -> tuple[str, ...]:
    """Patterns of which one matches wherever ``source`` does.

    Where each line of a text may begin a match, as with ``curl``, that is what else is needed; or ``source`` itself.
    """
    if not _FREQUENT.search(source):
        return (source,)
    seldom = [clause for clause in needed(source) if len(clause) <= _MAX_PROBES and all(map(_is_good_probe, clause))]
    best = min(seldom, key=lambda clause: (share_of_clause(clause), sorted(clause)), default=None)
    if best is None or share_of_clause(best) > _MAX_SHARE:
        return (source,)
    # Between the words of a phrase may stand whatever is neither a letter nor a digit.
    return tuple("(?i)" + "[^0-9A-Za-z]+".join(phrase.split()) for phrase in sorted(best))


def _is_good_probe(phrase: str) -> bool:
    words = phrase.split()
    return max(map(len, words)) >= _LEAST_PROBE and not any(_FREQUENT.match(f"{word}:") for word in words)


def _implies(one: Clause, other: Clause) -> bool:
    """Whether every text with a phrase of the one has a phrase of the other."""
    return all(any(phrase in longer for phrase in other) for longer in one)


def _loosest(phrase: str, phrases: set[str]) -> str:
    """The shortest form of the phrase that is looked for anyway, if it is not found much more often."""
    word = phrase.strip()
    most = _LOOSER * share_of(phrase) + _LOOSER_BY
    forms = (form for form in (word, f" {word}", f"{word} ") if form in phrases and form in phrase)
    return min((form for form in forms if share_of(form) <= most), key=len, default=phrase)
