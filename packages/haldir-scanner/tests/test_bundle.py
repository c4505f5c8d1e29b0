import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner import BundleError, Policy, RuleBundle, Severity, Status, scan_files
from haldir_scanner._rules._rule_form import MAX_PATTERN_BYTES, MAX_PATTERNS_PER_RULE
from haldir_scanner.bundles import ENGINE, SCHEMA, Category, Confidence, Effect, Scope, builtin, compile_bundle

Form = dict[str, Any]
Changed = Callable[..., bytes]
DELETE = object()


def _bytes(form: object) -> bytes:
    return json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture
def form(own_sources: dict[str, str]) -> Form:
    """The JSON value of a small bundle."""
    return dict(json.loads(compile_bundle(own_sources)))


@pytest.fixture
def changed(form: Form) -> Changed:
    """The bytes of the bundle with some members replaced; those of the first rule, if ``rule`` is given."""

    def make(rule: Form | None = None, **members: object) -> bytes:
        new = form | members
        if rule is not None:
            row = {name: value for name, value in (form["rules"][0] | rule).items() if value is not DELETE}
            new["rules"] = [row, *form["rules"][1:]]
        return _bytes({name: value for name, value in new.items() if value is not DELETE})

    return make


def test_a_bundle_is_read_into_records(form: Form) -> None:
    bundle = RuleBundle.from_bytes(_bytes(form))
    assert (bundle.version, bundle.rules_left_out) == ("1", 0)
    assert bundle.digest == hashlib.sha256(_bytes(form)).hexdigest()
    rule = bundle.rules[0]
    assert (rule.id, rule.category, rule.severity) == ("bad_word", Category.EXFILTRATION, Severity.CRITICAL)
    assert (rule.confidence, rule.effect, rule.scope) == (Confidence.HIGH, Effect.REJECT, Scope.SKILL)
    assert rule.matcher is not None
    assert rule.matcher.any_of == ("bad[0-9]*",)
    assert bundle.rule("odd_word") is bundle.rules[1]
    assert bundle.rule("nothing_like_it") is None


def test_the_digest_that_a_caller_trusts_is_checked(form: Form) -> None:
    data = _bytes(form)
    assert RuleBundle.from_bytes(data, digest=hashlib.sha256(data).hexdigest()).version == "1"
    with pytest.raises(BundleError, match="digest"):
        RuleBundle.from_bytes(data, digest=hashlib.sha256(b"other").hexdigest())


def test_the_rules_of_a_bundle_stand_in_for_the_built_in_ones(form: Form) -> None:
    bundle = RuleBundle.from_bytes(_bytes(form))
    files = {"setup.sh": b"sudo ls\nbad1\n"}
    report = scan_files(files, bundle=bundle)
    assert [match.rule for match in report.matches] == ["bad_word"]
    assert (report.bundle_version, report.bundle_digest) == ("1", bundle.digest)


def test_no_bundle_keeps_a_scan_from_telling_its_limits(changed: Changed) -> None:
    bundle = RuleBundle.from_bytes(changed(rules=[]))
    names = {match.rule for match in scan_files({"a\\b.md": b"x"}, bundle=bundle).matches}
    assert names == {"odd_file_name"}


@pytest.mark.parametrize(
    ("policy", "status"), [(Policy.STRICT, Status.FLAG), (Policy.BALANCED, Status.FLAG), (Policy.QUIET, Status.PASS)]
)
def test_the_thresholds_are_those_of_the_bundle(form: Form, policy: Policy, status: Status) -> None:
    bundle = RuleBundle.from_bytes(_bytes(form))
    assert scan_files({"a.md": b"odd"}, bundle=bundle, policy=policy).status is status


def test_a_rule_of_a_later_engine_is_left_out_and_counted(changed: Changed) -> None:
    bundle = RuleBundle.from_bytes(changed(rule={"engine": ENGINE + 1, "sees_in": "the future"}))
    assert ([rule.id for rule in bundle.rules], bundle.rules_left_out) == (["odd_word", "low_word"], 1)


def test_a_rule_of_this_engine_is_not(changed: Changed) -> None:
    assert RuleBundle.from_bytes(changed(rule={"engine": ENGINE})).rules_left_out == 0


def test_a_bundle_that_needs_a_later_engine_is_refused(changed: Changed) -> None:
    with pytest.raises(BundleError, match="update haldir-scanner"):
        RuleBundle.from_bytes(changed(min_engine=ENGINE + 1))


WRONG_MEMBERS: dict[str, tuple[Form, str]] = {
    "other-schema": ({"schema": "haldir-rules/2"}, "schema"),
    "no-schema": ({"schema": DELETE}, "schema"),
    "no-scoring": ({"scoring": DELETE}, "scoring"),
    "unknown-member": ({"signature": "x"}, "signature"),
    "empty-version": ({"version": ""}, "version"),
    "number-version": ({"version": 1}, "version"),
    "long-version": ({"version": "1" * 65}, "version"),
    "zero-engine": ({"min_engine": 0}, "min_engine"),
    "true-engine": ({"min_engine": True}, "min_engine"),
    "rules-no-list": ({"rules": {}}, "rules"),
    "rules-of-texts": ({"rules": ["x"]}, "rules"),
    "too-many-rules": ({"rules": [{}] * 5_001}, "5000"),
    "signals-no-list": ({"signals": 3}, "signals"),
    "iocs-no-object": ({"iocs": []}, "iocs"),
    "unknown-iocs": ({"iocs": {"emails": []}}, "emails"),
    "iocs-no-texts": ({"iocs": {"hosts": [1]}}, "hosts"),
    "scoring-empty": ({"scoring": {}}, "scoring"),
    "scoring-no-object": ({"scoring": 3}, "scoring"),
}


@pytest.mark.parametrize(("members", "message"), WRONG_MEMBERS.values(), ids=WRONG_MEMBERS.keys())
def test_a_bundle_that_is_not_understood_is_refused(changed: Changed, members: Form, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        RuleBundle.from_bytes(changed(**members))


WRONG_RULES: dict[str, tuple[Form, str]] = {
    "no-id": ({"id": DELETE}, "id"),
    "capital-id": ({"id": "Bad"}, "id"),
    "same-id": ({"id": "odd_word"}, "two rules have the id odd_word"),
    "no-title": ({"title": DELETE}, "title"),
    "empty-title": ({"title": ""}, "title"),
    "long-message": ({"message": "x" * 2_001}, "message"),
    "number-message": ({"message": 1}, "message"),
    "other-severity": ({"severity": "awful"}, "severity"),
    "other-category": ({"category": "misc"}, "category"),
    "list-category": ({"category": []}, "category"),
    "other-confidence": ({"confidence": 1}, "confidence"),
    "other-verdict": ({"verdict": "kill"}, "verdict"),
    "negative-weight": ({"weight": -1}, "weight"),
    "true-weight": ({"weight": True}, "weight"),
    "no-patterns": ({"any": DELETE}, "any"),
    "empty-pattern": ({"any": [""]}, "any"),
    "long-pattern": ({"any": ["x" * (MAX_PATTERN_BYTES + 1)]}, "any"),
    "too-many-patterns": ({"any": ["x"] * (MAX_PATTERNS_PER_RULE + 1)}, "any"),
    "any-and-all": ({"all": ["x"], "near": 9}, "any or all"),
    "all-without-near": ({"any": DELETE, "all": ["x"]}, "near"),
    "near-without-all": ({"near": 9}, "near"),
    "patterns-and-needs": ({"needs": [["sends"]]}, "exactly one"),
    "no-file-types": ({"file_types": DELETE}, "file_types"),
    "other-file-type": ({"file_types": ["cobol"]}, "cobol"),
    "other-region": ({"regions": ["margin"]}, "margin"),
    "unknown-member": ({"sees": "all"}, "sees"),
    "text-cwe": ({"cwe": ["200"]}, "cwe"),
    "list-example": ({"match": [["a.md", "x"]]}, "match"),
    "number-example": ({"match": [{"a.md": 1}]}, "match"),
    "zero-engine": ({"engine": 0}, "engine"),
    "empty-need": ({"any": DELETE, "file_types": DELETE, "needs": [[]]}, "needs"),
}


@pytest.mark.parametrize(("rule", "message"), WRONG_RULES.values(), ids=WRONG_RULES.keys())
def test_a_rule_that_is_not_understood_is_refused_with_its_name(changed: Changed, rule: Form, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        RuleBundle.from_bytes(changed(rule=rule))


@pytest.mark.parametrize(
    "pattern", ["(?=x)y", r"(x)\1", "x*", "(", r"\p{", "x{1001}", "(?:x{1000}){1000}", "(?P<n>"], ids=str
)
def test_a_pattern_that_re2_refuses_or_that_matches_nothing_stops_the_scan(changed: Changed, pattern: str) -> None:
    bundle = RuleBundle.from_bytes(changed(rule={"any": [pattern]}))
    with pytest.raises(BundleError, match="pattern"):
        scan_files({"a.md": b"x"}, bundle=bundle)


@pytest.mark.parametrize("name", ["exclude", "all"])
def test_so_does_one_that_only_excludes_or_stands_with_others(changed: Changed, name: str) -> None:
    rule = {"exclude": ["x*"]} if name == "exclude" else {"any": DELETE, "all": ["bad", "x*"], "near": 9}
    with pytest.raises(BundleError, match="empty"):
        scan_files({"a.md": b"x"}, bundle=RuleBundle.from_bytes(changed(rule=rule)))


NOT_CANONICAL = {
    "spaces": lambda form: json.dumps(form, sort_keys=True).encode(),
    "order": lambda form: _bytes(form).replace(b'{"iocs":{}', b"{", 1)[:-1] + b',"iocs":{}}',
    "escapes": lambda form: _bytes(form).replace(b"Bad word", b"\\u0042ad word"),
    "double-key": lambda form: _bytes(form).replace(b'"version":"1"', b'"version":"1","version":"1"'),
    "fraction": lambda form: _bytes(form).replace(b'"min_engine":1', b'"min_engine":1.0'),
    "nan": lambda form: _bytes(form).replace(b'"min_engine":1', b'"min_engine":NaN'),
    "line-end": lambda form: _bytes(form) + b"\n",
    "utf-16": lambda form: _bytes(form).decode().encode("utf-16"),
    "mark": lambda form: b"\xef\xbb\xbf" + _bytes(form),
    "list": lambda form: _bytes([form]),
    "nothing": lambda _: b"",
    "deep": lambda _: b"[" * 200_000,
    "surrogate": lambda form: _bytes(form).replace(b"Bad word", b"\\ud800"),
}


@pytest.mark.parametrize("write", NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_what_is_no_canonical_json_is_refused(form: Form, write: Callable[[Form], bytes]) -> None:
    data = write(form)
    assert data != _bytes(form)
    with pytest.raises(BundleError, match="canonical"):
        RuleBundle.from_bytes(data)


def test_a_bundle_that_is_too_large_is_not_read() -> None:
    with pytest.raises(BundleError, match="limit"):
        RuleBundle.from_bytes(b" " * (8 * 1024 * 1024 + 1))


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with pytest.raises(BundleError):
        RuleBundle.from_bytes(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_MEMBERS = (
    "id",
    "category",
    "severity",
    "any",
    "all",
    "near",
    "exclude",
    "file_types",
    "regions",
    "needs",
    "match",
    "cwe",
)


@given(st.dictionaries(st.sampled_from(_MEMBERS), _json))
def test_no_value_of_a_rule_crashes_the_reader(rule: Form) -> None:
    form = {
        "schema": SCHEMA,
        "version": "1",
        "min_engine": 1,
        "rules": [rule],
        "signals": [rule],
        "scoring": {},
        "iocs": {},
    }
    with pytest.raises(BundleError):
        RuleBundle.from_bytes(_bytes(form))


def test_the_built_in_rules_are_a_bundle_like_any_other() -> None:
    assert builtin().rules_left_out == 0
    assert builtin() is builtin()
