"""Bundles of rules: read them, write them in TOML, and try them out.

    from haldir_scanner import scan
    from haldir_scanner.bundles import RuleBundle

    bundle = RuleBundle.from_bytes(data, digest=trusted_digest)
    report = scan("my-skill", bundle=bundle)

``compile_bundle`` makes the bytes of a bundle out of TOML texts, and ``problems`` says what keeps it from being
published.  Whether a bundle is to be trusted is the caller's decision: check its signature, and hand its digest over.
Spec: spec/rules-1.0.md.
"""

from haldir_scanner._rules._authoring import compile_bundle, failures, found_in
from haldir_scanner._rules._bundle import ENGINE, SCHEMA, Indicators, RuleBundle, builtin
from haldir_scanner._rules._rule import Category, Confidence, Effect, Fixture, Matcher, Rule, Scope, Signal
from haldir_scanner._rules._scoring import Reason, Scoring, Thresholds, Verdict
from haldir_scanner._rules._trial import MAX_SECONDS_PER_RULE, problems

__all__ = [
    "ENGINE",
    "MAX_SECONDS_PER_RULE",
    "SCHEMA",
    "Category",
    "Confidence",
    "Effect",
    "Fixture",
    "Indicators",
    "Matcher",
    "Reason",
    "Rule",
    "RuleBundle",
    "Scope",
    "Scoring",
    "Signal",
    "Thresholds",
    "Verdict",
    "builtin",
    "compile_bundle",
    "failures",
    "found_in",
    "problems",
]
