"""The form of rules and signals in a bundle: read strictly, with every limit."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from haldir_scanner._errors import BundleError
from haldir_scanner._files._filetypes import ANY, CODE, CONFIG, PROSE, SHELL, FileType
from haldir_scanner._rules._rule import Category, Confidence, Effect, Fixture, Matcher, Rule, Scope, Signal
from haldir_scanner._severity import Severity
from haldir_scanner._text import Region

MAX_PATTERN_BYTES = 1_024
MAX_PATTERNS_PER_RULE = 64
MAX_TEXT = 2_000
MAX_NEAR = 4_096
MAX_LIST = 200

GROUPS = {"any": ANY, "code": CODE, "config": CONFIG, "prose": PROSE, "script": SHELL}
"""Names for several file types at once."""

_FILE_TYPES = {**GROUPS, **{file_type.value: frozenset({file_type}) for file_type in FileType}}
_REGIONS = {region.value: frozenset({region}) for region in Region}
_ANYWHERE = frozenset(Region)
_ID = re.compile(r"[a-z][a-z0-9_]{2,63}")
_E = TypeVar("_E", bound=StrEnum)
_REQUIRED = ("id", "category", "severity", "confidence", "title", "message", "remediation")
_MATCHER = {"any", "all", "near", "exclude", "hint", "file_types", "regions"}


def read_rule(row: Mapping[str, Any]) -> Rule:
    """The rule that a row of a bundle holds.

    Raises: BundleError, naming the rule and the member, if anything is missing, unknown or beyond its limit.
    """
    reader = _Reader(row, "rule")
    missing = [name for name in _REQUIRED if name not in row]
    if missing:
        raise reader.wrong(missing[0], "is missing")
    reader.refuse_unknown(_KNOWN)
    values = {_FIELDS.get(name, name): read(reader, name) for name, read in _READERS.items() if name in row}
    rule = Rule(**values, matcher=_matcher(reader))
    if sum((rule.matcher is not None, bool(rule.decided_by), bool(rule.needs))) != 1:
        raise reader.wrong("any", "a rule needs exactly one of patterns (any or all), decided_by, and needs")
    return rule


def read_signal(row: Mapping[str, Any]) -> Signal:
    """The signal that a row of a bundle holds.

    Raises: BundleError, as for a rule.
    """
    reader = _Reader(row, "signal")
    reader.refuse_unknown({"id", *_MATCHER})
    matcher = _matcher(reader)
    if matcher is None:
        raise reader.wrong("any", "a signal needs patterns")
    return Signal(id=reader.name("id"), matcher=matcher)


class _Reader:
    """A row, and what to say about it if it is wrong."""

    def __init__(self, row: Mapping[str, Any], kind: str) -> None:
        self.row = row
        self._where = f"{kind} {row.get('id')!r:.80}"

    def wrong(self, name: str, what: str) -> BundleError:
        return BundleError(f"{self._where}: {name}: {what}")

    def refuse_unknown(self, known: set[str]) -> None:
        if unknown := self.row.keys() - known:
            raise self.wrong(min(unknown), "is no member that a scanner of this version knows")

    def text(self, name: str) -> str:
        value = self.row[name]
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
            raise self.wrong(name, f"must be a text of 1 to {MAX_TEXT} characters")
        return value

    def name(self, name: str) -> str:
        value = self.text(name)
        if _ID.fullmatch(value) is None:
            raise self.wrong(name, "must be 3 to 64 lower-case letters, digits and underscores")
        return value

    def number(self, name: str, most: int) -> int:
        value = self.row[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self.wrong(name, f"must be a number from 0 to {most}")
        return value

    def list(self, name: str, most: int = MAX_LIST) -> list[Any]:
        value = self.row.get(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"must be a list of at most {most} entries")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.list(name)
        if not all(isinstance(value, str) and 0 < len(value) <= MAX_TEXT for value in values):
            raise self.wrong(name, f"must be a list of texts of 1 to {MAX_TEXT} characters")
        return tuple(values)

    def patterns(self, name: str) -> tuple[str, ...]:
        values = self.list(name, MAX_PATTERNS_PER_RULE)
        for value in values:
            if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "replace")) <= MAX_PATTERN_BYTES:
                raise self.wrong(name, f"each pattern must be a text of 1 to {MAX_PATTERN_BYTES} bytes")
        return tuple(values)

    def member(self, name: str, kind: type[_E]) -> _E:
        try:
            return kind(self.row[name])
        except ValueError as error:
            raise self.wrong(name, f"must be one of {', '.join(kind)}") from error

    def members(self, name: str, known: Mapping[str, frozenset[_E]]) -> frozenset[_E]:
        values = self.texts(name)
        for value in values:
            if value not in known:
                raise self.wrong(name, f"{value!r:.40} is unknown; known are {', '.join(known)}")
        return frozenset().union(*map(known.__getitem__, values))

    def fixtures(self, name: str) -> tuple[Fixture, ...]:
        values = self.list(name)
        for value in values:
            if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
                raise self.wrong(name, "each example must be an object of file names and texts")
        return tuple(tuple(value.items()) for value in values)

    def needs(self, name: str) -> tuple[frozenset[str], ...]:
        values = self.list(name, 8)
        if not all(isinstance(group, list) and group and all(isinstance(x, str) for x in group) for group in values):
            raise self.wrong(name, "must be a list of lists of signals and rule ids")
        return tuple(frozenset(group) for group in values)

    def numbers(self, name: str) -> tuple[int, ...]:
        values = self.list(name)
        if not all(isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in values):
            raise self.wrong(name, "must be a list of positive integers")
        return tuple(values)


def _matcher(reader: _Reader) -> Matcher | None:
    any_of, all_of = reader.patterns("any"), reader.patterns("all")
    if not any_of and not all_of:
        return None
    if any_of and all_of:
        raise reader.wrong("all", "give any or all, not both")
    if bool(all_of) != ("near" in reader.row):
        raise reader.wrong("near", "goes with all, and all with near")
    file_types = reader.members("file_types", _FILE_TYPES)
    if not file_types:
        raise reader.wrong("file_types", "must name at least one type")
    regions = reader.members("regions", _REGIONS)
    return Matcher(
        any_of=any_of,
        all_of=all_of,
        near=reader.number("near", MAX_NEAR) if all_of else 0,
        exclude=reader.patterns("exclude"),
        hint=reader.patterns("hint"),
        file_types=file_types,
        regions=regions or _ANYWHERE,
    )


_READERS: dict[str, Callable[[_Reader, str], Any]] = {
    "id": _Reader.name,
    "category": lambda reader, name: reader.member(name, Category),
    "severity": lambda reader, name: reader.member(name, Severity),
    "confidence": lambda reader, name: reader.member(name, Confidence),
    "title": _Reader.text,
    "message": _Reader.text,
    "remediation": _Reader.text,
    "decided_by": _Reader.name,
    "needs": _Reader.needs,
    "scope": lambda reader, name: reader.member(name, Scope),
    "signals": lambda reader, name: frozenset(reader.texts(name)),
    "verdict": lambda reader, name: reader.member(name, Effect),
    "weight": lambda reader, name: reader.number(name, 10_000),
    "cwe": _Reader.numbers,
    "owasp_llm": _Reader.texts,
    "owasp_agentic": _Reader.texts,
    "owasp_skills": _Reader.texts,
    "atlas": _Reader.texts,
    "references": _Reader.texts,
    "match": _Reader.fixtures,
    "no_match": _Reader.fixtures,
}
_KNOWN = _READERS.keys() | _MATCHER
_FIELDS = {"verdict": "effect"}
