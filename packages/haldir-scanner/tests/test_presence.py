from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_scanner import _presence
from haldir_scanner._decode._gates import Gate
from haldir_scanner._hosts import _Bare
from haldir_scanner._unicode import _Trace

WORDS = (
    *(
        "base64 -d",
        "x ^ key",
        "\\x41",
        "\\u0041",
        "%41",
        "&#65;",
        "chr(65)",
        "[::-1]",
        "rot13",
        "uggcf:",
        "phey",
        "lruc",
    ),
    *(
        "//:sptth",
        "join the",
        "begin 644 a",
        "<~",
        "=41=42=",
        "1.1.1.1",
        "a.ab:11",
        "bit.ly/",
        "is\u200bad",
        "\ufe00\ufe01",
    ),
    *(
        "\u202e",
        "a\u0430",
        "\u0430a",
        "\uff41\uff42",
        "c\u0338",
        "s\u00adt\u00ad",
        "\u3164",
        "\U000e0061",
        " ",
        "\n",
        "z",
    ),
)


@pytest.mark.parametrize(("members", "any_case"), [(Gate, True), (_Bare, True), (_Trace, False)])
@settings(max_examples=150, deadline=None)
@given(data=st.lists(st.sampled_from(WORDS), max_size=8).map("".join).map(str.encode) | st.binary(max_size=60))
def test_a_platform_without_re2_gets_the_same_answers(members: type[Enum], *, any_case: bool, data: bytes) -> None:
    fast = _presence._with_re2(members, any_case=any_case)
    slow = _presence._without_re2(members, any_case=any_case)
    assert fast[0](data) == slow[0](data)
    for member in fast[0](data):
        assert fast[1][member].search(data, 0).start() == slow[1][member].search(data, 0).start()
