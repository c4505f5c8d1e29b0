"""Combinations: rules about what a skill does, or one of its files, that no single match tells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

from attrs import evolve, frozen

from haldir_scanner._reports._report import Match
from haldir_scanner._rules._rule import Rule, Scope


@frozen
class Evidence:
    """What one file gives: by rule and signal the first match that stands for it; None where there is no place."""

    path: str
    places: Mapping[str, Match | None]

    @classmethod
    def of(cls, path: str, matches: Sequence[Match], signals: Iterable[str]) -> Self:
        """The evidence of a file with these matches and bare signals."""
        places: dict[str, Match | None] = dict.fromkeys(sorted(signals))
        for match in matches:
            for name in (match.rule, *match.definition.signals):
                if places.get(name) is None:
                    places[name] = match
        return cls(path, places)


def combined(rules: Iterable[Rule], evidence: Sequence[Evidence]) -> Iterator[Match]:
    """The match of every combination that the evidence fulfils; of each at most one per file or skill."""
    together = _merged(evidence)
    telling = [item for item in evidence if item.places]
    for rule in rules:
        if not rule.needs:
            continue
        if rule.scope is Scope.FILE:
            yield from filter(None, (_fulfilled(rule, item.path, item.places) for item in telling))
        elif (match := _fulfilled(rule, "", together)) is not None:
            yield match


def _merged(evidence: Sequence[Evidence]) -> Mapping[str, Match | None]:
    together: dict[str, Match | None] = {}
    for item in evidence:
        for name, match in item.places.items():
            if together.get(name) is None:
                together[name] = match
    return together


def _fulfilled(rule: Rule, path: str, places: Mapping[str, Match | None]) -> Match | None:
    parts: list[str] = []
    for group in rule.needs:
        given = sorted(group & places.keys())
        if not given:
            return None
        parts.append(given[0])
    last = next((match for name in reversed(parts) if (match := places[name]) is not None), None)
    detail = "; ".join(_part(name, places[name]) for name in parts)
    if last is None:
        return Match(definition=rule, path=path, detail=detail)
    return evolve(last, definition=rule, detail=detail, flow=())


def _part(name: str, match: Match | None) -> str:
    return name if match is None else f"{name} in {match.path}:{match.line}"
