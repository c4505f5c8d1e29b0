"""A pattern's phrases are in every text that it matches: the fast filter rules out nothing."""

import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import pytest

from haldir_scanner._engine._choice import chosen, merged
from haldir_scanner._engine._needed import needed, plain
from haldir_scanner._engine._probes import (
    elements_of,
    probe_of_file,
    probe_of_sentence,
    probe_of_text,
    probes_of,
    without_head,
)
from haldir_scanner._engine._regexes import Re2Regexes, for_stdlib
from haldir_scanner._engine._search import Patterns
from haldir_scanner._rules._bundle import builtin

Parsed: TypeAlias = Any
"""Of a private module, without types."""
_BLANKS = 0.9
PATTERNS = sorted(set(Patterns(builtin().rules, builtin().signals).searched))
BATCHES = [PATTERNS[at::40] for at in range(40)]
"""The patterns in tests of some dozens: a test for each would spend more time on the test than on the pattern."""
MERGED = dict(zip(PATTERNS, merged(map(chosen, PATTERNS)), strict=True))


@pytest.mark.parametrize(
    ("pattern", "clauses"),
    [
        (r"\bignore\s+previous\b", [{" ignore previous "}]),
        (r"(?i)\bSend\b[^\n]{0,80}\bkeys?\b", [{" send "}, {" key ", " keys "}]),
        (r"(?:up|down)loads?", [{"upload", "download"}]),
        (r"wo(?:n't| not)\b", [{"won t ", "wo not "}]),
        (r"back[\s_-]?up", [{"back up", "backup"}]),
        (r"word\w+ after", [{"word"}, {" after"}]),
        (r"\x66\x6fr[sg]et", [{"forset", "forget"}]),
        (r"(?:fourth|second)[^\n]*x{3}|third", [{"fourth", "second", "third"}]),
        (r"\b(?:send|deliver)\b", [{" send ", " deliver "}]),
        ("don\u2019t tell", [{"don t tell"}]),
        (r"[a-z]+[\w.]*", []),
        (r"(?:secret)?", []),
        (r"(?:secret)*key", [{"key"}]),
        (r"a|secret", []),
    ],
)
def test_the_phrases_of_a_pattern_are_read_out_of_it(pattern: str, clauses: list[set[str]]) -> None:
    assert sorted(map(sorted, needed(pattern))) == sorted(map(sorted, clauses))


def test_of_two_alternatives_every_pair_of_phrases_is_needed() -> None:
    found = needed(r"(?:alpha\d+beta|gamma\d+delta)")
    assert {frozenset({"alpha", "gamma"}), frozenset({"beta", "delta"})} < set(found)


@pytest.mark.parametrize("patterns", BATCHES, ids=range(len(BATCHES)))
def test_every_text_that_a_built_in_pattern_matches_has_its_phrases(patterns: Sequence[str]) -> None:
    for pattern in patterns:
        clauses = {*needed(pattern), *MERGED[pattern]}
        regexes = Re2Regexes([pattern])
        for text in examples(pattern):
            if regexes.find(0, text, 0, len(text)) is not None:
                found = plain(text).decode()
                assert all(any(phrase in found for phrase in clause) for clause in clauses), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "clauses"),
    [
        (r"\buse\b[^\n]*\bbitcoin wallet\b", [{" bitcoin wallet "}]),
        (r"\buse\b[^\n]*\bwith\b", []),
        (r"\bthe\b", []),
        (r"\bskill\b[^\n]*\bsend\b", [{" send "}, {" skill "}]),
    ],
    ids=["one that is seldom is enough", "all are frequent", "everywhere", "the seldom one first"],
)
def test_of_the_clauses_those_are_looked_for_that_few_paragraphs_have(pattern: str, clauses: list[set[str]]) -> None:
    assert list(map(set, chosen(pattern))) == clauses


def test_two_forms_of_a_seldom_word_are_looked_for_as_one() -> None:
    tight, loose = frozenset({" exfiltrate "}), frozenset({"exfiltrate"})
    assert merged([(tight,), (loose,)]) == [(loose,), (loose,)]


def test_a_word_that_is_part_of_frequent_ones_keeps_its_ends() -> None:
    tight, loose = frozenset({" age "}), frozenset({"age"})
    assert merged([(tight,), (loose,)]) == [(tight,), (loose,)]


def test_a_pattern_that_may_begin_in_each_line_is_looked_for_by_what_else_it_needs() -> None:
    assert probes_of(r"\bcurl\b[^\n]*\|\s*bitcoin-miner") == ("(?i)bitcoin[^0-9A-Za-z]+miner",)
    assert probes_of(r"\bcurl\b[^\n]*\|\s*sh\b") == (r"\bcurl\b[^\n]*\|\s*sh\b",)
    assert probes_of(r"\bwho\b[^\n]*\bcurl\b") == (r"\bwho\b[^\n]*\bcurl\b",)


@pytest.mark.parametrize("patterns", BATCHES, ids=range(len(BATCHES)))
def test_every_text_that_a_built_in_pattern_matches_has_what_is_looked_for_in_its_place(
    patterns: Sequence[str],
) -> None:
    for pattern in patterns:
        beginnings = probes_of(pattern)
        ways = {
            beginnings,
            tuple(map(probe_of_file, beginnings)),
            tuple(map(probe_of_text, beginnings)),
            (probe_of_sentence(pattern),),
        } - {(pattern,)}
        for text in [text for text in examples(pattern) if _is_in((pattern,), text)] if ways else ():
            assert all(_is_in(probes, text) for probes in ways), (pattern, text)


def test_the_elements_of_a_pattern_are_all_of_it() -> None:
    for pattern in PATTERNS:
        flags, elements = elements_of(pattern)
        assert flags + "".join(elements) == pattern


@pytest.mark.parametrize(
    ("pattern", "elements"),
    [
        (r"(?i)\ba{2,3}?(?:b|c)*[^\]d]+e", [r"\b", "a{2,3}?", "(?:b|c)*", r"[^\]d]+", "e"]),
        ("a|b", ["a|b"]),
        (r"a\|b", ["a", r"\|", "b"]),
        ("a(?i)b", ["a(?i)b"]),
        (r"a\Qb(\E", [r"a\Qb(\E"]),
        ("((a)|[)])x", ["((a)|[)])", "x"]),
    ],
    ids=["one after the other", "a choice", "a bar", "flags inside", "quoted", "groups"],
)
def test_a_pattern_is_taken_apart_where_its_parts_mean_something_alone(pattern: str, elements: list[str]) -> None:
    assert elements_of(pattern)[1] == elements


@pytest.mark.parametrize(
    ("pattern", "tail"),
    [
        (r"\b(?:wget|curl)\b[^\n]{0,80}\|\s*(?:sudo\s+)?bash\b", r"\|\s*(?:sudo\s+)?bash\b"),
        (r"(?i)\bhttps?://files\.drop\.example/", r"(?i)//files\.drop\.example/"),
        (r"\bcurl\b[^\n]*https?://files\.drop\.example/", r"//files\.drop\.example/"),
        (r"\bcurl\b[^\n]*\|\s*sh", r"\bcurl\b[^\n]*\|\s*sh"),
        (r"\bcurl\b[^\n]*one thing after the other|two", r"\bcurl\b[^\n]*one thing after the other|two"),
        (r"\bcurl(?:[^\n]*one thing after the other)?", r"\bcurl(?:[^\n]*one thing after the other)?"),
    ],
    ids=["command", "scheme", "both", "what is left says too little", "another choice", "not needed"],
)
def test_commands_and_schemes_are_left_out_where_enough_follows(pattern: str, tail: str) -> None:
    assert without_head(pattern) == tail


def test_a_pattern_is_looked_for_from_its_seldomest_words_on() -> None:
    pattern = r"\b(?:use|with)\b[^\n]{0,40}\bkeystrokes of (?:the user|all)\b"
    assert probe_of_sentence(pattern) == r"keystrokes of (?:the user|all)"
    assert probe_of_sentence(r"\bkeystrokes\b[^\n]*\buse\b") == r"keystrokes[^\n]*use"


def _is_in(patterns: Sequence[str], text: bytes) -> bool:
    regexes = Re2Regexes(patterns)
    return any(regexes.find(number, text, 0, len(text)) is not None for number in range(len(patterns)))


def test_the_examples_of_most_patterns_match_them() -> None:
    matched = sum(
        any(Re2Regexes([pattern]).find(0, text, 0, len(text)) for text in examples(pattern))
        for pattern in PATTERNS[::9]
    )
    assert matched > 0.5 * len(PATTERNS[::9])


def examples(pattern: str) -> Iterator[bytes]:
    """Texts that were made to match a pattern, with something before and behind."""
    from re import _parser  # type: ignore[attr-defined]  # noqa: PLC0415 - the standard library's own reading of it

    rng = random.Random(pattern)  # noqa: S311 - test data
    parsed = _parser.parse(for_stdlib(pattern).decode("latin-1"))
    for _ in range(12):
        made = _made(parsed, rng).encode("latin-1", "replace")
        yield rng.choice([b"", b"see: ", b"(", b"\n"]) + made + rng.choice([b"", b" now", b")", b"\n"])


def _made(parsed: Parsed, rng: random.Random) -> str:
    return "".join(_one(str(kind).lower(), value, rng) for kind, value in parsed)


def _one(kind: str, value: Parsed, rng: random.Random) -> str:
    makers: dict[str, Callable[[], str]] = {
        "literal": lambda: _any_case(chr(value), rng),
        "not_literal": lambda: rng.choice([letter for letter in "aZ 5-" if ord(letter) != value]),
        "any": lambda: rng.choice("aZ 5-"),
        "in": lambda: _of_class(value, rng),
        "branch": lambda: _made(rng.choice(value[1]), rng),
        "subpattern": lambda: _made(value[3], rng),
        "max_repeat": lambda: _repeated(value, rng),
        "min_repeat": lambda: _repeated(value, rng),
        "at": lambda: "",
    }
    return makers[kind]()


def _repeated(value: Parsed, rng: random.Random) -> str:
    least, most, inner = value
    return "".join(_made(inner, rng) for _ in range(rng.randint(least, min(int(most), least + 3))))


def _any_case(letter: str, rng: random.Random) -> str:
    return rng.choice([letter, letter.swapcase()]) if letter.isascii() else letter


def _of_class(value: list[tuple[object, Parsed]], rng: random.Random) -> str:
    items = [(str(kind).lower(), what) for kind, what in value]
    letters = string.ascii_letters + string.digits + " \n\t._-/@:$\"'`*#é"
    written = "".join(_in_brackets(kind, what) for kind, what in items if kind != "negate")
    class_ = re.compile(f"[{'^' if items[0][0] == 'negate' else ''}{written}]")
    fitting = [letter for letter in letters if class_.match(letter)]
    if not fitting:
        kind, what = items[-1]
        return chr(what if kind == "literal" else what[0])
    # Gaps are mostly blanks, or words would run together.
    return " " if " " in fitting and rng.random() < _BLANKS else rng.choice(fitting)


def _in_brackets(kind: str, what: Parsed) -> str:
    if kind == "literal":
        return re.escape(chr(what))
    if kind == "range":
        return f"{re.escape(chr(what[0]))}-{re.escape(chr(what[1]))}"
    return {
        "category_word": r"\w",
        "category_space": r"\s",
        "category_digit": r"\d",
        "category_not_word": r"\W",
        "category_not_space": r"\S",
        "category_not_digit": r"\D",
    }[str(what).lower()]
