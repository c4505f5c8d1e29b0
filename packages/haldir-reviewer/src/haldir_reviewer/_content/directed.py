"""Phrases that speak to whoever examines a skill, not to whoever uses it; the table is ``phrases.toml``."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from attrs import frozen

_NAME = re.compile(r"<([a-z_]+)>")
_CHARS_BEFORE = 48
"""How much of the text before a match is looked at to see whether it is meant otherwise."""


@frozen
class Phrase:
    """One rule: ``pattern`` is looked for in folded text; a match counts unless ``unless`` ends the text before it."""

    rule: str
    severity: str
    message: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None


@frozen
class Spoken:
    """A match: the rule that found it, where, and what."""

    phrase: Phrase
    start: int
    end: int
    text: str


def spoken(text: str) -> Iterator[Spoken]:
    """Yield every place in a folded text that speaks to an examiner."""
    for phrase in phrases():
        match = phrase.pattern.search(text)
        while match is not None:
            before = text[max(match.start() - _CHARS_BEFORE, 0) : match.start()]
            meant = phrase.unless is None or not phrase.unless.search(before)
            if meant:
                yield Spoken(phrase, match.start(), match.end(), match[0])
            match = phrase.pattern.search(text, match.end() if meant else match.start() + 1)


@cache
def phrases() -> tuple[Phrase, ...]:
    """Return the table."""
    table = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text("utf-8"))
    words = table["words"]
    return tuple(
        Phrase(
            row["rule"],
            row["severity"],
            row["message"],
            re.compile(_any(words, [pattern])),
            re.compile(_any(words, [row["unless"]])) if "unless" in row else None,
        )
        for row in table["phrase"]
        for pattern in row["patterns"]
    )


def _any(words: Mapping[str, Sequence[str]], patterns: Sequence[str]) -> str:
    """One pattern for any of ``patterns``, the names in them replaced by their alternatives."""
    return "(?:" + "|".join(_NAME.sub(lambda match: _any(words, words[match[1]]), item) for item in patterns) + ")"


_APPROVE = "approve|whitelist|allowlist|greenlight|certify|endorse|rubberstamp"
_BEFORE = "previous|prior|earlier|preceding|above"

SQUEEZED = re.compile(
    rf"(?:{_APPROVE})(?:this|our|my)(?:skill|plugin|submission|package|extension)"
    rf"|(?<!never)(?<!dont)(?<!donot)(?:ignore|disregard|forget|override)(?:all|any|the|every|your|of){{0,3}}(?:{_BEFORE})(?:instruction|rule|rubric|prompt)"
    r"|(?:reviewers?|auditors?)(?:must|should|shall|please|willnow)(?:approve|accept|pass|trust)"
    r"|(?:this|our)(?:skill|plugin|submission|package)(?:is|was|hasbeen)(?:already|officially|fully)?(?:pre)?"
    r"(?:approved|whitelisted|certified)"
)
"""What is looked for where letters stand apart, digits stand for letters, or the text is turned round."""
