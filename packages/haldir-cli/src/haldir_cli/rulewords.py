"""Rules in words, in a table, and as JSON."""

import json
from collections.abc import Iterable, Iterator

from haldir_core.canonical import JsonObject
from haldir_scanner.bundles import Fixture, Matcher, Rule, RuleBundle

_WIDE_GROUPS = 12
_EFFECTS = {
    "reject": "rejects by itself",
    "flag": "flags by itself",
    "score": "adds to the score",
    "note": "is listed and changes no verdict",
}


def explain(rule: Rule) -> Iterator[str]:
    """Yield everything about a rule, a line each."""
    yield f"{rule.id}: {rule.title}"
    yield ""
    yield rule.message
    yield f"What to do: {rule.remediation}"
    yield ""
    yield f"category    {rule.category}"
    yield f"severity    {rule.severity} (confidence of one match: {rule.confidence})"
    yield f"a match     {_EFFECTS[rule.effect]}{'' if rule.weight is None else f', {rule.weight} points'}"
    for name, values in _catalogues(rule):
        yield f"{name:<12}{', '.join(values)}"
    if rule.signals:
        yield f"{'shows':<12}{', '.join(sorted(rule.signals))}"
    yield from _decision(rule)
    for address in rule.references:
        yield f"see         {address}"
    yield from _examples("Found in:", rule.match)
    yield from _examples("Not found in:", rule.no_match)


def table(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield a line for each rule, below a line that names the columns."""
    listed = sorted(rules, key=lambda rule: (rule.category, -rule.severity.rank, rule.id))
    width = max((len(rule.id) for rule in listed), default=0)
    yield f"{'RULE':<{width}}  {'SEVERITY':<8}  {'CONFIDENCE':<10}  {'A MATCH':<7}  {'CATEGORY':<20}  TITLE"
    for rule in listed:
        yield (
            f"{rule.id:<{width}}  {rule.severity:<8}  {rule.confidence:<10}  {rule.effect:<7}  "
            f"{rule.category:<20}  {rule.title}"
        )


def rule_to_json(rule: Rule) -> JsonObject:
    """Return everything about a rule as JSON value."""
    matcher = rule.matcher
    return {
        "id": rule.id,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "confidence": rule.confidence.value,
        "effect": rule.effect.value,
        "weight": rule.weight,
        "title": rule.title,
        "message": rule.message,
        "remediation": rule.remediation,
        "file_types": _sorted(matcher.file_types) if matcher else [],
        "regions": _sorted(matcher.regions) if matcher else [],
        "any": list(matcher.any_of) if matcher else [],
        "all": list(matcher.all_of) if matcher else [],
        "near": matcher.near if matcher else 0,
        "exclude": list(matcher.exclude) if matcher else [],
        "decided_by": rule.decided_by,
        "needs": [sorted(group) for group in rule.needs],
        "scope": rule.scope.value,
        "signals": sorted(rule.signals),
        "cwe": list(rule.cwe),
        "owasp_llm": list(rule.owasp_llm),
        "owasp_agentic": list(rule.owasp_agentic),
        "owasp_skills": list(rule.owasp_skills),
        "atlas": list(rule.atlas),
        "references": list(rule.references),
        "match": [dict(fixture) for fixture in rule.match],
        "no_match": [dict(fixture) for fixture in rule.no_match],
    }


def rules_to_json(bundle: RuleBundle) -> JsonObject:
    """Return the rules of a bundle as JSON value, without their patterns and examples."""
    left_out = {"any", "all", "near", "exclude", "match", "no_match", "file_types", "regions"}
    rules = [
        {name: value for name, value in rule_to_json(rule).items() if name not in left_out} for rule in bundle.rules
    ]
    return {"bundle": {"version": bundle.version, "digest": bundle.digest}, "rules": rules}


def _sorted(words: Iterable[str]) -> list[str]:
    return sorted(str(word) for word in words)


def _catalogues(rule: Rule) -> Iterator[tuple[str, tuple[str, ...]]]:
    named = (
        ("CWE", tuple(str(number) for number in rule.cwe)),
        ("OWASP", (*rule.owasp_llm, *rule.owasp_agentic, *rule.owasp_skills)),
        ("ATLAS", rule.atlas),
    )
    return ((name, values) for name, values in named if values)


def _decision(rule: Rule) -> Iterator[str]:
    if rule.needs:
        groups = " and ".join(" or ".join(sorted(group)) for group in rule.needs)
        yield f"needs       {groups}, in one {rule.scope}"
    elif rule.matcher is None:
        yield f"decided by  the scanner's code ({rule.decided_by})"
    else:
        yield from _patterns(rule.matcher)


def _patterns(matcher: Matcher) -> Iterator[str]:
    types = _sorted(matcher.file_types)
    yield f"{'looks in':<12}{', '.join(types) if len(types) < _WIDE_GROUPS else f'{len(types)} kinds of file'}"
    for pattern in matcher.any_of:
        yield f"{'pattern':<12}{pattern}"
    for pattern in matcher.all_of:
        yield f"{'all of':<12}{pattern}"
    if matcher.all_of:
        yield f"{'':<12}(within {matcher.near} bytes of the first)"
    for pattern in matcher.exclude:
        yield f"{'but not':<12}{pattern}"


def _examples(title: str, fixtures: Iterable[Fixture]) -> Iterator[str]:
    for number, fixture in enumerate(fixtures):
        if number == 0:
            yield ""
            yield title
        for name, content in fixture:
            yield f"  {name}"
            yield from (f"    | {line}" for line in _shown(content))


def _shown(content: str) -> list[str]:
    lines = content.splitlines() or [""]
    return [line if line.isprintable() else json.dumps(line)[1:-1] for line in lines[:20]]
