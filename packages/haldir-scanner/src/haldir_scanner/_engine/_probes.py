"""What is looked for in place of a pattern: a part that every match of it has, and that is found in less time."""

import re
from collections.abc import Iterable

from haldir_scanner._engine._frequency import share_of_clause
from haldir_scanner._engine._needed import Clause, implies, needed
from haldir_scanner._engine._relaxation import TOKEN, without_word_ends

_MAX_SHARE = 0.1
"""Of the texts that have what is looked for in place of a pattern."""
_MAX_SHARE_BESIDE_TAIL = 0.01
"""The same where the pattern has a part that begins to match seldom."""
# What a hostile text may hold at each place.
_FREQUENT = re.compile(r"(?:\\b|\b)(?:curl|wget|iwr|irm|ignore|https?\??:)", re.IGNORECASE)
# What of these a part may hold, with and without the ends of its words: it would begin to match at each of them.
_PART_OF_FREQUENT = re.compile(r"curl|wget|ignore|http|(?<![A-Za-z])url(?![A-Za-z])", re.IGNORECASE)
_MAX_PROBES = 64
_LEAST_PROBE = 4
"""Letters of the longest word of a phrase that is looked for in place of a pattern."""

_FLAGS = re.compile(r"\(\?[ims]+\)")
# What quotes, or changes what the rest of a pattern means.
_OTHER_SYNTAX = re.compile(r"\\Q|\(\?[A-Za-z-]+\)")
_REPEAT = re.compile(r"(?:[*+?]|\{\d*,?\d*\})\??")
_SCHEME = re.compile(r"(?:\\b)?https\?:(?=//)")
_COMMAND = re.compile(r"\\b(?:\(\?:(?:[\w.\\-]+\|)*)?(?:curl|wget)")
_LINE_GAP = re.compile(r"\[\^[^\]]*\\n[^\]]*\]" + f"(?:{_REPEAT.pattern})?")
_LEAST_TAIL = 20
"""Characters of a pattern that say more than a head that is left out."""

_CLAUSES = 3
"""Of a part of a pattern, by which is known how seldom it is."""
_NEAR = 0.15
"""Of the texts that have two words, so many have them near each other."""
_MAX_TAIL_SHARE = 0.001
"""Of blocks that have a part of a pattern that is looked for in files, which hold hundreds of them."""
_MAX_TAIL_SHARE_OF_TEXTS = 0.01
"""The same where it is looked for in no binary files."""
_MAX_TAIL_SHARE_OF_BLOCKS = 0.3
"""The same where it is looked for in blocks one by one."""
_SELDOMER = 0.8
"""A part of a pattern is looked for alone if it begins with words that are so much seldomer."""
_UNKNOWN_SHARE = 0.9
"""Of texts that have a part of a pattern of which nothing is known."""
_MAIL_SHARE = 0.01
"""Of texts with an at sign."""


def probes_of(source: str) -> tuple[str, ...]:
    """Patterns of which one matches wherever ``source`` does.

    Where each line of a text may begin a match, as with ``curl``, that is what else is needed, or what follows.
    """
    if not _FREQUENT.search(_head_of(source)):
        return (source,)
    seldom = [clause for clause in needed(source) if len(clause) <= _MAX_PROBES and all(map(_is_good_probe, clause))]
    share, best = min(((share_of_clause(clause), sorted(clause)) for clause in seldom), default=(1.0, []))
    tail = without_head(source)
    if share > (_MAX_SHARE if tail == source else _MAX_SHARE_BESIDE_TAIL):
        return (tail,)
    # Between the words of a phrase may stand whatever is neither a letter nor a digit.
    return tuple("(?i)" + "[^0-9A-Za-z]+".join(phrase.split()) for phrase in best)


def probe_of_file(source: str) -> str:
    """A pattern that matches wherever ``source`` does, and in hardly any other file."""
    return _seldom_tail(source, _MAX_TAIL_SHARE)


def probe_of_text(source: str) -> str:
    """The same, where words may begin and end anywhere."""
    return without_word_ends(_seldom_tail(source, _MAX_TAIL_SHARE_OF_TEXTS))


def probe_of_sentence(source: str) -> str:
    """A pattern that matches wherever ``source`` does, and seldom begins to match in prose."""
    return without_word_ends(_seldom_tail(source, _MAX_TAIL_SHARE_OF_BLOCKS))


def without_head(source: str) -> str:
    """A pattern that matches wherever ``source`` does, and does not begin at each command or address of a text.

    Behind a command, that is what stands after "anything in this line"; behind a scheme, the rest of the address.
    """
    flags, elements = elements_of(source)
    body = "".join(elements)
    scheme = _SCHEME.match(body)
    if scheme:
        tail = body[scheme.end() :]
    elif _COMMAND.match(body):
        gaps = (place for place, element in enumerate(elements) if _LINE_GAP.fullmatch(element))
        tail = "".join(elements[next(gaps, len(elements)) + 1 :])
    else:
        return source
    return source if len(tail) < _LEAST_TAIL else without_head(flags + tail)


def _share_of_texts(source: str) -> float:
    """Return which share of texts has words of all parts of a pattern near each other, as far as is known: 0 to 1."""
    clauses = list[Clause]()
    for clause in sorted(needed(source), key=lambda clause: (share_of_clause(clause), sorted(clause))):
        if len(clauses) < _CLAUSES and not any(implies(one, clause) or implies(clause, one) for one in clauses):
            clauses.append(clause)
    share = _MAIL_SHARE if "@" in source else 1.0
    for clause in clauses:
        share *= share_of_clause(clause) * (_NEAR if share < 1 else 1)
    return share


def seldomest(sources: Iterable[str]) -> str:
    """Return the one of the patterns that the fewest texts have, and where a line rather does not begin a match."""
    return min(sources, key=lambda source: (_FREQUENT.search(_head_of(source)) is not None, _share_of_texts(source)))


def elements_of(source: str) -> tuple[str, list[str]]:
    """The flags of a pattern, and what it is a sequence of; just itself where parts of it mean nothing alone."""
    found = _FLAGS.match(source)
    start = 0 if found is None else found.end()
    whole = (source[:start], [source[start:]])
    if _OTHER_SYNTAX.search(source, start):
        return whole
    elements, depth, begin, end = list[str](), 0, start, start
    while end < len(source):
        token = TOKEN.match(source, end)
        if token is None or (depth == 0 and token[0] == "|"):
            return whole
        end = token.end()
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            repeat = _REPEAT.match(source, end)
            end = end if repeat is None else repeat.end()
            if repeat is None and token[0].isalnum() and elements and elements[-1].isalnum():
                elements[-1] += token[0]
            else:
                elements.append(source[begin:end])
            begin = end
    return source[:start], elements


def _head_of(source: str) -> str:
    """What a match begins with: all up to the first choice that is needed."""
    _, elements = elements_of(source)
    ends = (place for place, element in enumerate(elements) if element[0] in "([" and not element.endswith("?"))
    return "".join(elements[: next(ends, len(elements)) + 1])


def _seldom_tail(source: str, most: float) -> str:
    """The part of a pattern that begins with the seldomest words, if no more texts than ``most`` have all of it."""
    flags, elements = elements_of(source)
    first, least, best = True, 1.0, source
    for place, element in enumerate(elements):
        if element == "\\b" or element.endswith("?"):
            continue
        share = _share_of_element(flags + element)
        if first:
            first, least = False, _SELDOMER * min(share, _UNKNOWN_SHARE)
        elif share < least and _share_of_texts(tail := flags + "".join(elements[place:])) <= most:
            least, best = share, tail
    return best


def _share_of_element(element: str) -> float:
    if element.endswith("@"):
        return _MAIL_SHARE
    return 1.0 if _PART_OF_FREQUENT.search(element) else min(map(share_of_clause, needed(element)), default=1.0)


def _is_good_probe(phrase: str) -> bool:
    words = phrase.split()
    return max(map(len, words)) >= _LEAST_PROBE and not any(_FREQUENT.match(f"{word}:") for word in words)
