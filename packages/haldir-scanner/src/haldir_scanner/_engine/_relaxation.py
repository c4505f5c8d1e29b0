"""Patterns that match wherever others do, and are cheaper to look for."""

import re

_GREATEST_REPEAT = 4
"""Counted repeats beyond this one are compiled as open ones: the database is built ten times faster, and what it says
too often is refused by RE2."""

TOKEN = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|.)|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL)

# An end of a word, and any other token; what stands before a repeat is kept.
_WORD_END = re.compile(r"\\b(?![?*+{])|(" + TOKEN.pattern + ")", re.DOTALL)

# "Anything in this sentence, be it in two lines", as one class, which is much cheaper.
_SENTENCE_GAP = re.compile(r"\(\?:\[\^\.\\n\|\]\|\\n\\w\)\{0,\d+\}\??")

_FLAGS = re.compile(r"\(\?[ims]+\)")


def relaxed(source: str) -> str:
    """A pattern that matches wherever ``source`` does, and is cheaper to compile."""
    return TOKEN.sub(_open_repeat, _SENTENCE_GAP.sub("[^.|]*", _without_optional_beginning(source)))


def without_word_ends(source: str) -> str:
    """A pattern that matches wherever ``source`` does, and is searched faster: its words may begin and end anywhere."""
    return source if r"\Q" in source else _WORD_END.sub(lambda token: token[1] or "", source)


def _without_optional_beginning(source: str) -> str:
    """``source`` without a group at its beginning that need not match."""
    flags = _FLAGS.match(source)
    start = 0 if flags is None else flags.end()
    depth = 0
    for token in TOKEN.finditer(source, start):
        if token.start() == start and token[0] != "(":
            return source
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            rest = source[token.end() :]
            # An alternative beside the group would be lost with it.
            is_optional = rest.startswith("?") and not _has_alternative(rest)
            return _without_optional_beginning(source[:start] + rest.lstrip("?")) if is_optional else source
    return source


def _has_alternative(source: str) -> bool:
    depth = 0
    for token in TOKEN.finditer(source):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token[0] == "|":
            return True
    return False


def _open_repeat(token: re.Match[str]) -> str:
    if token[1] is None:
        return token[0]
    least = int(token[1])
    most = least if token[2] is None else int(token[2] or _GREATEST_REPEAT + 1)
    if most <= _GREATEST_REPEAT:
        return token[0]
    return {0: "*", 1: "+"}.get(least, f"{{{min(least, _GREATEST_REPEAT)},}}")
