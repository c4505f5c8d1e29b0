import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import MalformedError
from haldir_core.canonical import (
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_VALUES,
    JsonValue,
    canonical_bytes,
    parse_json,
    parse_object,
    pretty_bytes,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
# From 1e21 on, RFC 8785 writes an exponent; below, what is beyond 2^53 would be an integer that no reader takes.
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number) < 2**53 or abs(number) >= 1e21
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_a_value_survives_its_canonical_form(value: Any) -> None:  # noqa: ANN401 - JSON
    canonical = canonical_bytes(value)

    assert parse_json(canonical, "test") == value
    assert canonical_bytes(parse_json(canonical, "test")) == canonical


@given(values)
def test_white_space_does_not_change_the_canonical_form(value: Any) -> None:  # noqa: ANN401 - JSON
    assert canonical_bytes(parse_json(pretty_bytes(value), "test")) == canonical_bytes(value)


@given(st.dictionaries(texts, st.integers(0, 9), max_size=6), st.randoms())
def test_the_order_of_members_does_not_change_the_canonical_form(members: dict[str, int], rng: Any) -> None:  # noqa: ANN401
    shuffled = list(members.items())
    rng.shuffle(shuffled)

    assert canonical_bytes(dict(shuffled)) == canonical_bytes(members)


def test_names_are_sorted_by_utf_16_units() -> None:
    assert canonical_bytes({"\uff61": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\uff61":1}'.encode()


def test_a_pretty_document_is_for_people() -> None:
    assert pretty_bytes({"b": ["\u00e9"], "a": {}}) == '{\n  "b": [\n    "\u00e9"\n  ],\n  "a": {}\n}\n'.encode()


@pytest.mark.parametrize("value", ["\ud800", ["\udcff"], {"\ud800": 1}], ids=ascii)
def test_a_lone_surrogate_cannot_be_written(value: JsonValue) -> None:
    with pytest.raises(MalformedError, match="half of a surrogate pair"):
        pretty_bytes(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.0", 1),
        ("-0", 0),
        ("-0.0", 0),
        ("1e3", 1000),
        ("1e-400", 0),
        ("0.1", 0.1),
        ("9007199254740991", 2**53 - 1),
        ("-9007199254740991", -(2**53) + 1),
        ("9007199254740991.0", 2**53 - 1),
        ("1e21", 1e21),
        ("1e300", 1e300),
        (' \t\r\n"\\ud83d\\ude00" ', "\U0001f600"),
        ('"\\u0000"', "\0"),
        ("[]", []),
        ("{}", {}),
        ("null", None),
    ],
)
def test_strict_json_is_read(text: str, value: object) -> None:
    read = parse_json(text.encode(), "test")

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not strict JSON"),
        (b"\xef\xbb\xbf{}", "not strict JSON"),
        (b"{}{}", "not strict JSON"),
        (b"{} x", "not strict JSON"),
        (b"[1,]", "not strict JSON"),
        (b"{'a': 1}", "not strict JSON"),
        (b'"\n"', "not strict JSON"),
        (b"\xa0[]", "not UTF-8 at byte 0"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        ("[]".encode("utf-16"), "not UTF-8"),
        (b"NaN", "NaN is not a JSON number"),
        (b"[Infinity]", "Infinity is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"1e999", "out of range"),
        (b"-1e999", "out of range"),
        (b"9007199254740992", r"not below 2\^53"),
        (b"-9007199254740992", r"not below 2\^53"),
        (b"9007199254740992.0", r"not below 2\^53"),
        (b"[1e20]", r"not below 2\^53"),
        (b"-999999999999999900000.0", r"not below 2\^53"),
        (b"1" * 5000, r"integer 1{20} is not below 2\^53"),
        (b"01", "not strict JSON"),
        (b"+1", "not strict JSON"),
        (b"0x1", "not strict JSON"),
        (b'{"a": 1, "a": 1}', "key 'a' occurs twice"),
        (b'{"x": {"b": 1, "c": 2, "\\u0062": 3}}', "key 'b' occurs twice"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested deeper than 32 levels"),
        (b'{"a":' * 100_000, "nested deeper than 32 levels"),
        (b"[" * 100_000 + b'"\\u0041"' + b"]" * 100_000, "nested deeper than 32 levels"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=f"^test: .*{reason}") as caught:
        parse_json(data, "test")

    assert caught.value.document == "test"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_documents_are_nested_up_to_32_levels(left: str, right: str) -> None:
    inner = "[]" if left == "[" else "{}"
    levels = MAX_DEPTH - 1
    parse_json((left * levels + inner + right * levels).encode(), "test")

    with pytest.raises(MalformedError, match="nested deeper"):
        parse_json((left * (levels + 1) + inner + right * (levels + 1)).encode(), "test")


@pytest.mark.parametrize(
    "data",
    [b"[" + b"0," * (MAX_VALUES - 1) + b"0]", b"[" + b",".join([b"{}"] * (MAX_VALUES // 2)) + b"]"],
    ids=["numbers", "objects"],
)
def test_a_document_has_a_largest_number_of_values(data: bytes) -> None:
    parse_json(data, "test")

    with pytest.raises(MalformedError, match=f"test: holds more than {MAX_VALUES} values"):
        parse_json(data[:-1] + b",{}]", "test")


def test_a_document_has_a_largest_size() -> None:
    spaces = b" " * (MAX_DOCUMENT_BYTES - 2)
    assert parse_json(b"[]" + spaces, "test") == []

    with pytest.raises(MalformedError, match="larger than 8388608 bytes"):
        parse_json(b"[]" + spaces + b" ", "test")
    with pytest.raises(MalformedError, match="larger than 1 bytes"):
        parse_json(b"[]", "test", max_bytes=1)


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"1", b"null"])
def test_a_document_must_be_an_object(data: bytes) -> None:
    with pytest.raises(MalformedError, match="must be a JSON object"):
        parse_object(data, "test")


@given(st.integers(0, 2**64 - 1))
def test_any_finite_double_survives_its_canonical_form(bits: int) -> None:
    (number,) = struct.unpack("<d", bits.to_bytes(8, "little"))
    if number == number and abs(number) != float("inf"):  # noqa: PLR0124 - not a NaN
        assert json.loads(canonical_bytes(number)) == number


def test_a_value_that_is_nested_without_end_is_refused() -> None:
    endless: list[JsonValue] = []
    endless.append(endless)

    with pytest.raises(MalformedError, match="no canonical JSON form"):
        canonical_bytes(endless)
