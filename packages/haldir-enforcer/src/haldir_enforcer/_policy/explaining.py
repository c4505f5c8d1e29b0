"""A policy in words, for people."""

import textwrap
from collections.abc import Iterator, Sequence

import attrs

from haldir_enforcer._policy.hosts import hosts_in_words
from haldir_enforcer._policy.records import DECLARED, PathRule, Policy
from haldir_enforcer._policy.text import quoted

_WIDTH = 118


def explain(policy: Policy) -> str:
    """Return who may do what, and who holds it, as lines of text without control characters."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield f"skill folder: {_shown(str(policy.root))}"
    yield f"profiles: {', '.join(map(_shown, policy.profiles))}"
    yield ""
    yield from _section("read", _paths(policy.read))
    yield from _section("write", _paths(policy.write))
    yield from _section("connect", [f"{line}  (supervisor)" for line in hosts_in_words(policy.hosts)])
    yield from _section(
        "execute",
        [
            f"{_shown(str(each.path))}  sha256:{each.digest[:16]}  ({_shown(each.source)}; supervisor)"
            for each in policy.programs
        ],
    )
    granted = [name for name, value in attrs.asdict(policy.capabilities).items() if value]
    yield from _section("ask the agent for", [f"{name}  (gate)" for name in granted])
    yield f"only by an entry of their own: {len(policy.never_read)} kinds of secrets, such as ~/.ssh, .netrc, .vault"
    yield f"never written: .vault, and {len(policy.never_write) - 1} kinds of agent state (supervisor)"
    yield "private addresses: refused unless declared as addresses; everything else is denied"
    for note in policy.notes:
        yield f"note: {note}"


def _section(verb: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"may {verb}:" if lines else f"may {verb}: nothing"
    yield from (f"  {line}" for line in lines)
    yield ""


def _paths(rules: Sequence[PathRule]) -> list[str]:
    """Return one line per declared rule, and one paragraph per profile."""
    lines = [f"{_place(rule)}  ({rule.source}; {rule.held_by})" for rule in rules if rule.source == DECLARED]
    groups: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        if rule.source != DECLARED:
            groups.setdefault((rule.source, rule.held_by), []).append(_place(rule))
    return lines + [
        textwrap.fill(
            f"profile {_shown(source)} ({held_by}): {', '.join(places)}",
            _WIDTH,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for (source, held_by), places in groups.items()
    ]


def _place(rule: PathRule) -> str:
    return _shown(str(rule.parent) if rule.exact else rule.pattern)


def _shown(text: str) -> str:
    return quoted(text)[1:-1]
