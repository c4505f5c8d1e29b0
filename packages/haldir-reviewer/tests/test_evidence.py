import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.invisible import is_invisible
from haldir_reviewer._content.chunks import Part
from haldir_reviewer._content.segments import segments
from haldir_reviewer._content.source import SourceFile
from haldir_reviewer.evidence import Claim, read_claim, verify
from haldir_reviewer.facts import Fact, FactKind
from haldir_reviewer.prompts import escape

TEXT = "first line\n\tprint('caf\u00e9')  # end\nx = 1\nzero\u200bwidth here\n"
FILE = SourceFile.of("a.py", TEXT.encode())
PART = Part(FILE, tuple(segments(FILE)))


def found(quote: str, line: int | None) -> Fact | None:
    named = None if line is None else PART.segments[line - 1]
    return verify(Claim(FactKind.EXPLAINS, line or 0, quote), named, [PART])


@pytest.mark.parametrize(
    ("quote", "named", "line"),
    [
        ("first line", 1, 1),
        ("print('caf\u00e9')", 2, 2),
        ("  print('caf\u00e9')  ", 2, 2),
        ("caf\\u00e9')", 2, 2),
        ("zero\\u200bwidth", 4, 4),
        ("zero\u200bwidth", 1, 4),
        ("x = 1", 3, 3),
        ("line\n\tprint", None, 1),
    ],
)
def test_a_quotation_that_occurs_is_a_fact_at_its_place(quote: str, named: int | None, line: int) -> None:
    fact = found(quote, named)
    assert fact is not None
    assert (fact.path, fact.line) == ("a.py", line)


@pytest.mark.parametrize(
    ("quote", "named"),
    [("", 1), (" ", 1), ("e", 1), ("line", 1), ("First line", 1), ("x = 2", 3), ("zerowidth", 4), ("x = 1", None)],
    ids=repr,
)
def test_a_quotation_that_does_not_occur_or_occurs_everywhere_is_none(quote: str, named: int | None) -> None:
    assert found(quote, named) is None


@given(st.text())
def test_what_is_no_quotation_of_the_bytes_never_becomes_a_fact(quote: str) -> None:
    fact = found(quote, None)
    assert fact is None or fact.quote in TEXT


@given(st.text(alphabet=st.characters(exclude_characters="\n"), min_size=8))
def test_a_line_as_it_is_shown_is_a_quotation_of_it(text: str) -> None:
    file = SourceFile.of("f", text.encode("utf-8", "surrogatepass"))
    part = Part(file, tuple(segments(file)))
    if file.text is None or len("".join(file.text.split())) < 8:
        return
    for quote in (file.text, escape(file.text)[1:-1]):
        assert verify(Claim(FactKind.EXPLAINS, 1, quote), part.segments[0], []) is not None


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "praises", "line": 1, "quote": "x"},
        {"kind": "explains", "line": True, "quote": "x"},
        {"kind": "explains", "line": 1.0, "quote": "x"},
        {"kind": "explains", "line": "1", "quote": "x"},
        {"kind": "explains", "line": 1, "quote": None},
        {"kind": ["explains"], "line": 1, "quote": "x"},
    ],
    ids=repr,
)
def test_a_claim_of_another_form_is_none(value: object) -> None:
    assert read_claim(value) is None


@given(st.text())
def test_what_is_escaped_is_one_line_of_visible_characters_and_comes_back(text: str) -> None:
    shown = escape(text)
    assert json.loads(shown) == text
    assert not any(is_invisible(char) for char in shown)
