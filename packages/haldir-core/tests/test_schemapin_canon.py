import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin import UnsupportedCanonicalizationError, check_canonicalization, parse_strict, schemapin_v1
from haldir_core.schemapin.canon import MAX_DEPTH, parse_strict_object, schemapin_v1_of_bytes
from haldir_core.schemapin.portability import MAX_REASONS, Unportable, portability_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=30,
)


def _python(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


@given(VALUES)
def test_the_canonical_form_is_what_json_dumps_writes(value: Any) -> None:  # noqa: ANN401 - any JSON
    assert schemapin_v1(value) == _python(value)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, 4]))
def test_a_text_has_the_canonical_form_of_what_json_loads_reads(
    value: Any,  # noqa: ANN401 - any JSON
    ascii_only: bool,  # noqa: FBT001 - a drawn value
    indent: int | None,
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    assert schemapin_v1_of_bytes(text.encode()) == _python(json.loads(text))


@given(VALUES)
def test_the_canonical_form_of_a_canonical_form_is_itself(value: Any) -> None:  # noqa: ANN401 - any JSON
    canonical = schemapin_v1(value)

    assert schemapin_v1_of_bytes(canonical) == canonical


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()).flatmap(lambda data: st.just(data[:-1])))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    try:
        parse_strict(data, "schema")
    except MalformedError:
        return
    json.loads(data)


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    try:
        value = parse_strict(data, "schema")
    except MalformedError:
        return
    assert value == json.loads(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"a":1}', "key 'a' occurs twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "key 'b' occurs twice"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1e400]", "number 1e400 is out of range"),
        (b"[-1e400]", "out of range"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\udc00":1}', "half of a surrogate pair"),
        (b'["\\ud800\\ud800"]', "half of a surrogate pair"),
        (b'["\xed\xa0\x80"]', "not UTF-8 at byte 2"),
        (b'\xef\xbb\xbf{"a":1}', "not strict JSON"),
        (b'{"a":1}\x00', "not strict JSON"),
        (b'{"a":1} x', "not strict JSON"),
        (b"['a']", "not strict JSON"),
        (b"[01]", "not strict JSON"),
        (b'["\t"]', "not strict JSON"),
        (b"[1,]", "not strict JSON"),
        (b"", "not strict JSON"),
        (b"[" + b"1" * 4301 + b"]", "more than 4300 digits"),
        (b"[-" + b"1" * 4301 + b"]", "more than 4300 digits"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * 500 + b"]" * 500, "nested deeper than 100 levels"),
        (b"[" + b"1," * 400_000 + b"1]", "more than 400000 values"),
    ],
    ids=lambda value: ascii(value)[:24] if isinstance(value, bytes) else None,
)
def test_json_that_readers_take_differently_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_strict(data, "schema")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
def test_a_hundred_levels_are_read_and_one_more_is_not(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    inner = b"" if opening == b"[" else b"0"

    assert schemapin_v1_of_bytes(opening * MAX_DEPTH + inner + closing * MAX_DEPTH)
    with pytest.raises(MalformedError, match="nested deeper"):
        schemapin_v1_of_bytes(opening * (MAX_DEPTH + 1) + inner + closing * (MAX_DEPTH + 1))


def test_a_value_of_a_caller_is_held_to_the_same_depth() -> None:
    value: Any = 0
    for _ in range(MAX_DEPTH):
        value = [value]

    assert schemapin_v1(value) == b"[" * MAX_DEPTH + b"0" + b"]" * MAX_DEPTH
    with pytest.raises(MalformedError, match="nested deeper"):
        schemapin_v1([value])


@pytest.mark.parametrize("digits", ["1" * 4300, "-" + "1" * 4300], ids=["positive", "negative"])
def test_an_integer_of_4300_digits_is_read_exactly(digits: str) -> None:
    assert schemapin_v1_of_bytes(digits.encode()) == digits.encode()


def _circle() -> list[object]:
    circle: list[object] = []
    circle.append(circle)
    return circle


def _doubled(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {1: "a"},
        {"a": {None: 1}},
        {"a": [{True: 1}]},
        {("a",): 1},
        {b"a": 1},
        float("nan"),
        [float("inf")],
        "\ud800",
        {"\udfff": 1},
        {1, 2},
        b"bytes",
        object(),
        _circle(),
        _doubled(60),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_no_json_has_no_canonical_form(value: Any) -> None:  # noqa: ANN401 - anything at all
    with pytest.raises(MalformedError):
        schemapin_v1(value)


def test_a_document_that_must_be_an_object_is_one() -> None:
    with pytest.raises(MalformedError, match="must be a JSON object"):
        parse_strict_object(b"[]", "document")


def test_a_document_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match="larger than 5 bytes"):
        parse_strict(b'"1234"', "document", max_bytes=5)


@pytest.mark.parametrize("identifier", [None, "schemapin-v1"])
def test_the_known_form_is_the_default(identifier: str | None) -> None:
    check_canonicalization(identifier)


@pytest.mark.parametrize("identifier", ["", "jcs", "SCHEMAPIN-V1", "schemapin-v1 ", "schemapin-v2", 1, False, [], {}])
def test_any_other_form_is_refused(identifier: object) -> None:
    with pytest.raises(UnsupportedCanonicalizationError, match="is not schemapin-v1"):
        check_canonicalization(identifier)


@pytest.mark.parametrize(
    ("value", "reason", "place"),
    [
        ([1], Unportable.NOT_AN_OBJECT, "the schema"),
        ({"a": {"0": 1}}, Unportable.ARRAY_INDEX_KEY, "/a/0"),
        ({"4294967294": 1}, Unportable.ARRAY_INDEX_KEY, "/4294967294"),
        ({"__proto__": 1}, Unportable.PROTO_KEY, "/__proto__"),
        ({"p": {"\uff5e": 1, "\U0001f600": 2}}, Unportable.ASTRAL_KEY_ORDER, "/p"),
        ({"d": "a<b"}, Unportable.HTML_CHARACTER, "/d"),
        ({"a&b": 1}, Unportable.HTML_CHARACTER, "/a&b"),
        ({"d": ["\u2028"]}, Unportable.HTML_CHARACTER, "/d/0"),
        ({"d": "\f"}, Unportable.SHORT_ESCAPE, "/d"),
        ({"a/b~": 2**53 + 1}, Unportable.LARGE_INTEGER, "/a~1b~0"),
        ({"x": 1.0}, Unportable.WHOLE_FLOAT, "/x"),
        ({"x": 1e-5}, Unportable.FLOAT_RANGE, "/x"),
        ({"x": 1.5e300}, Unportable.FLOAT_RANGE, "/x"),
        ({"x": -0.0}, Unportable.FLOAT_RANGE, "/x"),
    ],
    ids=lambda value: value.name if isinstance(value, Unportable) else None,
)
def test_a_schema_that_is_not_portable_is_told_why_and_where(value: Any, reason: Unportable, place: str) -> None:  # noqa: ANN401 - any JSON
    (found,) = portability_of(value)

    assert found.reason is reason
    assert str(found) == f"{place}: {reason.value}"


@pytest.mark.parametrize(
    "value",
    [{}, {"a": [1, -1, 2**53, 0.5, 12345.678, True, None]}, {"\U0001f600": 1, "\U0001f601": 2}, {"01": 1, "é": "\t\n"}],
    ids=["empty", "numbers", "astral-alone", "texts"],
)
def test_a_portable_schema_has_no_reason_against_it(value: Any) -> None:  # noqa: ANN401 - any JSON
    assert portability_of(value) == ()


def test_the_search_for_reasons_ends() -> None:
    assert len(portability_of({str(number): 0 for number in range(1000)})) == MAX_REASONS
