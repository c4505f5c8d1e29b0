"""Which of the clauses that a pattern needs are worth looking for: those that few paragraphs have."""

from collections.abc import Iterable, Sequence

from haldir_scanner._engine._frequency import share_of, share_of_clause
from haldir_scanner._engine._needed import Clause, implies, needed, shortest

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


def chosen(*sources: str) -> tuple[Clause, ...]:
    """The clauses to look for where all of these patterns are needed; none if one is better looked for itself."""
    is_one = len(sources) == 1
    clauses, left = list[Clause](), 1.0
    known = {clause for source in sources for clause in needed(source)}
    for share, _, clause in sorted((share_of_clause(clause), sorted(clause), clause) for clause in known):
        if len(clauses) == MAX_CLAUSES or (clauses and ((is_one and left <= _ENOUGH) or share >= _USELESS)):
            break
        if not any(implies(other, clause) for other in clauses):
            clauses.append(clause)
            left *= share**_ALIKE
    return tuple(clauses) if left <= _MAX_SHARE or not is_one else ()


def merged(choices: Iterable[Sequence[Clause]]) -> list[tuple[Clause, ...]]:
    """The same clauses with fewer phrases: one word is not looked for in several forms that say nearly the same."""
    choices = list(choices)
    phrases = {phrase for clauses in choices for clause in clauses for phrase in clause}
    form = {phrase: _loosest(phrase, phrases) for phrase in phrases}
    return [tuple(shortest(frozenset(form[phrase] for phrase in clause)) for clause in clauses) for clauses in choices]


def _loosest(phrase: str, phrases: set[str]) -> str:
    """The shortest form of the phrase that is looked for anyway, if it is not found much more often."""
    word = phrase.strip()
    most = _LOOSER * share_of(phrase) + _LOOSER_BY
    forms = (form for form in (word, f" {word}", f"{word} ") if form in phrases and form in phrase)
    return min((form for form in forms if share_of(form) <= most), key=len, default=phrase)
