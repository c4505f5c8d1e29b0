"""Facts that a model reports, checked against the bytes that it was shown."""

import json
import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from haldir_reviewer._content.chunks import Part
from haldir_reviewer._content.segments import Segment
from haldir_reviewer.facts import ADVERSE, Fact, FactKind

MIN_QUOTE = 6
"""A shorter quotation occurs everywhere, unless it is a whole line."""

MAX_QUOTE = 2_000
_SPACE = re.compile(r"\s+")


@frozen
class Claim:
    """A fact as it was reported, in the form that was asked for; nothing of it is known to be true."""

    kind: FactKind
    line: int
    quote: str

    @property
    def adverse(self) -> bool:
        """Whether it is of a kind that has no place in an honest skill."""
        return self.kind in ADVERSE


def read_claim(value: object) -> Claim | None:
    """Return ``value`` as claim, or None if it has another form."""
    if not isinstance(value, Mapping):
        return None
    kind, line, quote = value.get("kind"), value.get("line"), value.get("quote")
    if not isinstance(kind, str) or kind not in FactKind.__members__.values():
        return None
    if isinstance(line, bool) or not isinstance(line, int) or not isinstance(quote, str):
        return None
    return Claim(FactKind(kind), line, quote)


def verify(claim: Claim, named: Segment | None, parts: Sequence[Part]) -> Fact | None:
    """Return the claim as a fact if its quotation occurs in the segment that it names, or else in one of ``parts``.

    White space at the ends does not count, and a quotation with the escapes of the prompt is the text that they mean.
    """
    for quote in _readings(claim.quote):
        if named is not None and _occurs(quote, named.text):
            return Fact(claim.kind, named.path, named.line, quote)
        for part in parts if _long_enough(quote) else ():
            text = part.text
            if (at := text.find(quote)) >= 0:
                return Fact(claim.kind, part.file.path, part.segments[0].line + text.count("\n", 0, at), quote)
    return None


def occurs(claim: Claim, text: str) -> bool:
    """Whether the quotation of ``claim`` occurs in ``text``."""
    return any(_occurs(quote, text) for quote in _readings(claim.quote))


def _readings(quote: str) -> list[str]:
    """The quotation as it is, and with its escapes resolved."""
    plain = quote.strip()[:MAX_QUOTE]
    return [plain, *(_unescaped(plain) if "\\" in plain else ())]


def _unescaped(quote: str) -> tuple[str, ...]:
    """The text that ``quote`` is the escaped form of, if it is one."""
    try:
        text = json.loads(f'"{quote}"')
    except ValueError:
        return ()
    return (text.strip(),) if isinstance(text, str) else ()


def _occurs(quote: str, text: str) -> bool:
    return quote in text and (_long_enough(quote) or quote == text.strip()) and bool(quote)


def _long_enough(quote: str) -> bool:
    return len(_SPACE.sub("", quote)) >= MIN_QUOTE
