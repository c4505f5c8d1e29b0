import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import DecodeError
from haldir_core.encoding import decode_base64, encode_base64url


@given(st.binary(max_size=100))
def test_bytes_survive_base64url(data: bytes) -> None:
    text = encode_base64url(data)

    assert decode_base64(text) == data
    assert not set(text) & set("=+/")


@given(st.binary(max_size=100))
def test_both_alphabets_are_read_padded_or_not(data: bytes) -> None:
    for padded in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert decode_base64(padded) == decode_base64(padded.rstrip("=")) == data


@given(st.text("Aab/+-_=9\n ", max_size=12))
def test_what_is_read_is_one_of_the_four_forms_of_its_bytes(text: str) -> None:
    try:
        data = decode_base64(text)
    except DecodeError:
        return
    standard, url = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    assert text in {standard, standard.rstrip("="), url, url.rstrip("=")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-_+/", "neither alphabet, or of both"),
        ("-A+A", "neither alphabet, or of both"),
        ("AA AA", "neither"),
        ("AAAA\n", "neither"),
        (" AAAA", "neither"),
        ("AA==AAAA", "neither"),
        ("A===", "neither"),
        ("=AAA", "neither"),
        ("AA\u00e9A", "neither"),
        ("\uff21\uff21\uff21\uff21", "neither"),
        ("AAAA\0", "neither"),
        ("AA=", "padding"),
        ("AAA==", "padding"),
        ("AAAA=", "padding"),
        ("AAAA==", "padding"),
        ("=", "padding"),
        ("==", "padding"),
        ("A", "1 more than a multiple of 4"),
        ("AAAAA", "1 more than a multiple of 4"),
        ("AB", "spare bits"),
        ("AB==", "spare bits"),
        ("AAB", "spare bits"),
        ("A_", "spare bits"),
    ],
    ids=ascii,
)
def test_what_is_not_strict_base64_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=f"^not base64: .*{reason}"):
        decode_base64(text)


def test_nothing_is_the_text_of_no_bytes() -> None:
    assert decode_base64("") == b""
