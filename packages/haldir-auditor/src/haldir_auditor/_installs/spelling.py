"""Programs and verbs that a shell reads as one word though they are written in parts, with quotation marks inside."""

import re

from haldir_auditor._installs.programs import ALIASES, PROGRAMS

_WORDS = frozenset({*PROGRAMS, *ALIASES, "add", "bash", "clone", "curl", "download", "exec", "git", "install", "wget"})
_PART = r"(?:\"[a-z]{0,20}\"|'[a-z]{0,20}'|\\)[a-z0-9]{0,20}"
_SPLIT = re.compile(rf"(?<![\w\"'\\.])[a-z]{{0,20}}(?:{_PART}){{1,10}}(?=[ \t])", re.IGNORECASE)
_MARKS = str.maketrans("", "", "\"'\\")


def joined(text: str) -> str:
    """Return the text with such words written in one, at the right of where they were; its length stays."""
    return _SPLIT.sub(_whole, text)


def _whole(found: re.Match[str]) -> str:
    written = found[0]
    word = written.translate(_MARKS)
    if word == written or word.lower() not in _WORDS or written[1:-1] == word:
        return written
    return word.rjust(len(written))
