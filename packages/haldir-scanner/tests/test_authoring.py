import base64
import json
from collections.abc import Callable
from importlib.resources import files
from itertools import count
from time import process_time

import pytest

from haldir_scanner import BundleError, RuleBundle, Status, scan_files
from haldir_scanner._rules._bundle import builtin_bytes
from haldir_scanner._rules._trial import benign_sample
from haldir_scanner.bundles import builtin, compile_bundle, failures, problems

Build = Callable[..., RuleBundle]

PLAIN = """
category = "exfiltration"
[[rule]]
id = "other_word"
severity = "high"
confidence = "high"
title = "Other word"
message = "A message."
remediation = "A remedy."
file_types = ["any"]
any = ["other"]
match = [{ "a.md" = "The other one." }]
no_match = [{ "a.md" = "The same one." }]
"""


@pytest.fixture
def build(own_sources: dict[str, str]) -> Build:
    """The bundle of the small sources with some of them replaced or added; names end in ``.toml``."""

    def make(**sources: str) -> RuleBundle:
        return RuleBundle.from_bytes(
            compile_bundle(own_sources | {f"{name}.toml": text for name, text in sources.items()})
        )

    return make


def test_the_version_is_that_of_bundle_toml_unless_the_caller_says_another(own_sources: dict[str, str]) -> None:
    assert RuleBundle.from_bytes(compile_bundle(own_sources)).version == "1"
    assert RuleBundle.from_bytes(compile_bundle(own_sources, version="2")).version == "2"


def test_the_same_sources_make_the_same_bytes(own_sources: dict[str, str]) -> None:
    turned = dict(reversed(own_sources.items()))
    assert compile_bundle(own_sources) == compile_bundle(turned)


def test_defaults_of_a_file_are_taken_by_every_rule_that_does_not_say_it_itself(build: Build) -> None:
    own = '[[rule]]\nid = "own_word"\nseverity = "low"\ntitle = "Own"\nmessage = "Own."\nany = ["own"]\ncwe = [1]\n'
    bundle = build(own=f'category = "persistence"\n[defaults]\n{_DEFAULTS}{own}')
    assert [(rule.message, rule.cwe, rule.remediation) for rule in bundle.rules] == [("Own.", (1,), "A remedy.")]


_DEFAULTS = (
    'confidence = "high"\nmessage = "A message."\nremediation = "A remedy."\nfile_types = ["any"]\ncwe = [200]\n'
)


def test_a_fragment_is_put_into_patterns_and_a_phrase_may_stand_over_two_lines(build: Build) -> None:
    phrases = PLAIN.replace('any = ["other"]', 'any = ["{{colour}} door"]\nphrases = ["(?i)open the {{colour}} box"]')
    fragments = "[fragments]\ncolour = '(?:red|blue)'\ngap = '[\\s>*]{1,10}'\n"
    bundle = build(own=phrases, fragments=fragments)
    for text, expected in ((b"a red door", True), (b"Open the\n> blue box", True), (b"open the green box", False)):
        assert bool(scan_files({"a.md": text}, bundle=bundle).matches) is expected


def test_rules_can_stand_beside_the_built_in_ones(build: Build) -> None:
    bundle = build(bundle='version = "1"\nextends = "builtin"', own=PLAIN)
    assert {rule.id for rule in bundle.rules} == {rule.id for rule in builtin().rules} | {"other_word"}
    assert bundle.signals == builtin().signals


def test_a_rule_said_anew_stands_in_for_the_built_in_one(build: Build) -> None:
    name = next(rule.id for rule in builtin().rules if rule.matcher is not None)
    bundle = build(bundle='version = "1"\nextends = "builtin"', own=PLAIN.replace("other_word", name))
    (rule,) = [rule for rule in bundle.rules if rule.id == name]
    assert rule.title == "Other word"


def test_extending_takes_the_scoring_and_joins_the_indicators(own_sources: dict[str, str]) -> None:
    sources = {"bundle.toml": 'version = "1"\nextends = "builtin"', "indicators.toml": '[iocs]\nhosts = ["c2.example"]'}
    bundle = RuleBundle.from_bytes(compile_bundle(sources))
    assert bundle.scoring == builtin().scoring
    assert bundle.indicators.hosts == builtin().indicators.hosts | {"c2.example"}


WRONG = {
    "no-version": ({"bundle": ""}, "version"),
    "number-version": ({"bundle": "version = 1"}, "version"),
    "unknown-in-bundle": ({"bundle": 'version = "1"\nname = "x"'}, "name"),
    "other-base": ({"bundle": 'version = "1"\nextends = "https://x.example"'}, "builtin"),
    "no-toml": ({"own": "= 3"}, "own.toml"),
    "deep-toml": ({"own": "x = " + "[" * 100_000}, "own.toml"),
    "no-category": ({"own": PLAIN.replace('category = "exfiltration"', "")}, "category"),
    "unknown-table": ({"own": PLAIN + "[other]\nx = 1"}, "other"),
    "rule-no-table": ({"own": 'category = "exfiltration"\nrule = 3'}, "rule must be written as tables"),
    "defaults-no-table": ({"own": "defaults = 3\n" + PLAIN}, "defaults"),
    "any-no-list": ({"own": PLAIN.replace('["other"]', '"other"')}, "any"),
    "phrases-no-texts": ({"own": PLAIN.replace('any = ["other"]', "phrases = [3]")}, "phrases"),
    "no-fragment": ({"own": PLAIN.replace('"other"', '"{{nothing}}"')}, "nothing"),
    "fragments-no-texts": ({"fragments": "[fragments]\nx = 3"}, "texts"),
    "fragments-no-table": ({"fragments": "fragments = 3"}, "table"),
    "scoring-no-table": ({"scoring": "scoring = 3"}, "table"),
    "empty-scoring": ({"scoring": ""}, "scoring"),
    "wrong-scoring": ({"scoring": "[scoring]\nweights = {}"}, "scoring"),
    "indicators-no-texts": ({"indicators": "[iocs]\nhosts = [3]"}, "hosts"),
    "indicators-unknown": ({"indicators": '[iocs]\nmails = ["x"]'}, "mails"),
    "date": ({"own": PLAIN.replace('"A message."', "2027-01-01")}, "no place"),
    "fraction": ({"own": PLAIN.replace("any =", "weight = 1.5\nany =")}, "1.5"),
}


@pytest.mark.parametrize(("sources", "message"), WRONG.values(), ids=WRONG.keys())
def test_sources_that_describe_no_bundle_are_refused(build: Build, sources: dict[str, str], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        build(**sources)


def test_a_good_bundle_has_no_problems(own_rules: RuleBundle) -> None:
    assert list(problems(own_rules, process_time)) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('match = [{ "a.md" = "The other one." }]\n', "", "needs at least one example"),
        ('no_match = [{ "a.md" = "The same one." }]\n', "", "needs at least one example"),
        ("The other one.", "The same one, too.", "example 1 of match is not found"),
        ("The same one.", "Another one.", "example 1 of no_match is found"),
    ],
    ids=["no-match", "no-no-match", "not-found", "found"],
)
def test_a_rule_that_does_not_show_what_it_does_is_a_problem(build: Build, old: str, new: str, problem: str) -> None:
    assert old in PLAIN
    found = list(failures(build(own=PLAIN.replace(old, new))))
    assert [text for text in found if text.startswith(f"other_word: {problem}")]


def test_two_rules_that_are_found_in_the_same_examples_are_a_problem(build: Build) -> None:
    second = PLAIN.replace("other_word", "second_word").replace('"other"', '"other|another"')
    found = list(problems(build(own=PLAIN, second=second), process_time))
    assert found == ["other_word: is found in the same examples as second_word; show what sets them apart"]


def test_an_example_that_sets_them_apart_is_enough(build: Build) -> None:
    second = (
        PLAIN.replace("other_word", "second_word")
        .replace('"other"', '"other|second"')
        .replace("match = [{", 'match = [{ "b.md" = "A second." }, {', 1)
    )
    assert list(problems(build(own=PLAIN, second=second), process_time)) == []


def test_a_rule_over_the_time_budget_is_a_problem(build: Build) -> None:
    ticks = count()
    found = list(problems(build(own=PLAIN), lambda: next(ticks) * 1.0))
    assert len(found) == 1
    assert found[0].startswith("other_word: takes 1.00 seconds for a megabyte of harmless text")


def test_the_benign_sample_is_a_megabyte_and_the_same_every_time() -> None:
    assert sum(len(text.data) for text in benign_sample()) >= 1024 * 1024
    assert benign_sample() == benign_sample()


def test_the_benign_sample_is_benign() -> None:
    sample = {text.path: text.data[:20_000] for text in benign_sample()}
    assert scan_files(sample).status is Status.PASS


def test_an_example_of_bytes_is_written_in_base64(build: Build) -> None:
    data = base64.b64encode(b"\xff\xfe" + "The other one.".encode("utf-16-le")).decode()
    assert list(failures(build(own=PLAIN.replace("The other one.", f"base64:{data}")))) == []


def test_an_example_that_is_no_base64_is_refused(build: Build) -> None:
    with pytest.raises(BundleError, match="base64"):
        list(failures(build(own=PLAIN.replace("The other one.", "base64:*"))))


def test_the_built_in_bundle_is_made_of_its_sources() -> None:
    folder = files("haldir_scanner").joinpath("rules")
    sources = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".toml")}
    compiled = compile_bundle(sources)
    assert json.loads(compiled) == json.loads(builtin_bytes())
    assert compiled == builtin_bytes()
