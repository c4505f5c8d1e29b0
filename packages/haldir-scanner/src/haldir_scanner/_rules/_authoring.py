"""From the TOML that authors write to the bytes of a bundle.  Spec: spec/rules-1.0.md."""

import base64
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from haldir_scanner._errors import BundleError
from haldir_scanner._rules._bundle import ENGINE, SCHEMA, RuleBundle, builtin_bytes, canonical
from haldir_scanner._rules._rule import Fixture
from haldir_scanner._scan import scan_files

UNSEEN = frozenset({"folder", "indicators", "limits"})
"""Deciders of rules that no example can show: about links and special files, about what lists of indicators name, which
the built-in bundle has none of, and about limits that are hit."""

_FRAGMENT = re.compile(r"\{\{([a-z_]+)\}\}")
_GAP = "{{gap}}"
_BASE64 = "base64:"
_PATTERN_LISTS = ("any", "all", "exclude", "hint")
_RULE_TABLES = {"category", "defaults", "rule", "signal"}


def compile_bundle(sources: Mapping[str, str], *, version: str | None = None) -> bytes:
    """The canonical bytes of the bundle that TOML texts, by file name, describe.

    ``bundle.toml`` holds the ``version``, and ``extends = "builtin"`` if the rules are to stand beside the built-in
    ones; ``fragments.toml`` holds ``[fragments]``, ``scoring.toml`` holds ``[scoring]``, ``indicators.toml`` the lists
    of ``[iocs]``; every other file rules of one category. ``version`` stands in for that of ``bundle.toml``.

    Raises: BundleError if a text is no TOML or describes no valid bundle.
    """
    tables = {name: _toml(name, text) for name, text in sorted(sources.items())}
    head = _checked("bundle.toml", tables.pop("bundle.toml", {}), {"version", "extends"})
    fragments = _texts(_member(tables, "fragments.toml", "fragments"))
    base = _base(head.get("extends"))
    scoring, iocs = _member(tables, "scoring.toml", "scoring"), _member(tables, "indicators.toml", "iocs")
    if not scoring and not base:
        raise BundleError("scoring.toml with a table [scoring] is missing")
    for name, table in tables.items():
        _checked(name, table, _RULE_TABLES)
    rules = [_rule(name, table, row, fragments) for name, table in tables.items() for row in _rows(name, table, "rule")]
    signals = [
        _expanded(name, row, fragments) for name, table in tables.items() for row in _rows(name, table, "signal")
    ]
    form = {
        "schema": SCHEMA,
        "version": _version(version, head),
        "min_engine": ENGINE,
        "rules": _beside(base.get("rules", []), rules),
        "signals": _beside(base.get("signals", []), signals),
        "scoring": scoring or base["scoring"],
        "iocs": _united(base.get("iocs", {}), iocs),
    }
    try:
        data = canonical(form)
    except (TypeError, ValueError) as error:
        raise BundleError(f"a value has no place in a bundle: {error}") from error
    RuleBundle.from_bytes(data)
    return data


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BundleError(f"{name}: {error}") from error


def _checked(name: str, table: dict[str, Any], known: set[str]) -> dict[str, Any]:
    if unknown := table.keys() - known:
        raise BundleError(f"{name}: unknown table or key {min(unknown)!r:.80}; known are {', '.join(sorted(known))}")
    return table


def _member(tables: dict[str, dict[str, Any]], name: str, key: str) -> dict[str, Any]:
    """The one table of a file that holds no rules; it is taken out of ``tables``."""
    table = _checked(name, tables.pop(name, {}), {key}).get(key, {})
    if not isinstance(table, dict):
        raise BundleError(f"{name}: {key} must be a table, [{key}]")
    return table


def _version(given: str | None, head: Mapping[str, Any]) -> str:
    version = head.get("version") if given is None else given
    if not isinstance(version, str):
        raise BundleError('bundle.toml with a text `version = "..."` is missing')
    return version


def _base(extends: object) -> Mapping[str, Any]:
    """The bundle beside whose rules new ones are to stand."""
    if extends is None:
        return {}
    if extends != "builtin":
        raise BundleError(f'bundle.toml: extends is {extends!r:.80}; only "builtin" can be extended')
    form: Mapping[str, Any] = json.loads(builtin_bytes())
    return form


def _beside(base: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of ``base`` that are not said anew, and the new ones."""
    said = {row.get("id") for row in rows if isinstance(row.get("id"), str)}
    return [*(row for row in base if row["id"] not in said), *rows]


def _united(base: Mapping[str, Any], lists: Mapping[str, Any]) -> dict[str, Any]:
    for name, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BundleError(f"indicators.toml: {name} must be a list of texts")
    return {name: sorted({*base.get(name, ()), *lists.get(name, ())}) for name in {*base, *lists}}


def _texts(table: dict[str, Any]) -> Mapping[str, str]:
    if not all(isinstance(value, str) for value in table.values()):
        raise BundleError("fragments.toml: [fragments] must hold texts")
    return table


def _rows(name: str, table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BundleError(f"{name}: {key} must be written as tables, [[{key}]]")
    return rows


def _rule(name: str, table: Mapping[str, Any], row: Mapping[str, Any], fragments: Mapping[str, str]) -> dict[str, Any]:
    defaults = table.get("defaults", {})
    if "category" not in table:
        raise BundleError(f"{name}: category is missing")
    if not isinstance(defaults, dict):
        raise BundleError(f"{name}: defaults must be a table, [defaults]")
    return _expanded(name, {"category": table["category"], **defaults, **row}, fragments)


def _expanded(name: str, row: Mapping[str, Any], fragments: Mapping[str, str]) -> dict[str, Any]:
    """The row with its phrases as patterns and every fragment in its place."""
    written = dict(row)
    for key in (*_PATTERN_LISTS, "phrases"):
        values = written.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BundleError(f"{name}: rule {row.get('id')!r:.80}: {key} must be a list of texts")
    phrases = [phrase.replace(" ", _GAP) for phrase in written.pop("phrases", ())]
    if phrases:
        written["any"] = [*written.get("any", ()), *phrases]
    for key in _PATTERN_LISTS:
        if key in written:
            written[key] = [_filled(name, row, pattern, fragments) for pattern in written[key]]
    return written


def _filled(name: str, row: Mapping[str, Any], pattern: str, fragments: Mapping[str, str]) -> str:
    def text(found: re.Match[str]) -> str:
        if found[1] not in fragments:
            raise BundleError(f"{name}: rule {row.get('id')!r:.80}: no fragment is called {found[1]!r}")
        return fragments[found[1]]

    return _FRAGMENT.sub(text, pattern)


def failures(bundle: RuleBundle) -> Iterator[str]:
    """What is wrong with the examples of the rules of a bundle, a sentence each."""
    for rule in bundle.rules:
        if rule.decided_by not in UNSEEN and not (rule.match and rule.no_match):
            yield f"{rule.id}: needs at least one example that matches and one that does not"
        for wanted, fixtures in ((True, rule.match), (False, rule.no_match)):
            for number, fixture in enumerate(fixtures, 1):
                if (rule.id in found_in(fixture, bundle)) is not wanted:
                    kind = "match" if wanted else "no_match"
                    yield f"{rule.id}: example {number} of {kind} is {'not ' if wanted else ''}found"


def found_in(fixture: Fixture, bundle: RuleBundle) -> frozenset[str]:
    """The ids of the rules of ``bundle`` that are found in a small skill."""
    report = scan_files({name: _content(text) for name, text in fixture}, bundle=bundle)
    return frozenset(match.rule for match in report.matches)


def _content(text: str) -> bytes:
    if not text.startswith(_BASE64):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text[len(_BASE64) :], validate=True)
    except ValueError as error:
        raise BundleError(f"an example that begins with {_BASE64!r} is no base64: {text!r:.80}") from error
