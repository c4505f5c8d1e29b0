from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.schemapin import Moment
from haldir_core.schemapin.times import written_time

NOON = "2026-01-31T12:00:00Z"
FIRST = datetime(2, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        (NOON, "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00+05:00", "2026-01-31T07:00:00Z"),
        ("2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00Z"),
        ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.5Z"),
        ("2024-02-29T00:00:00.123456789Z", "2024-02-29T00:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_read_as_the_moment_that_it_names(text: str, utc: str) -> None:
    assert Moment.at(Moment.parse(text).moment).text == utc
    assert Moment.parse(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:59:60Z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-31T12:00:00+0500",
        "2026-01-31T12:00:00+24:00",
        "2026-W05-6T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "\u0662\u0660\u0662\u0666-01-31T12:00:00Z",
        NOON + "\n",
        " " + NOON,
        "2026-01-31T12:00:00." + "0" * 60 + "Z",
        "soon",
    ],
)
def test_a_text_that_is_no_rfc_3339_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be an RFC 3339 time|names no real moment"):
        Moment.parse(text)


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    try:
        Moment.parse(text)
    except ValueError:
        return


def test_moments_are_in_the_order_of_their_values_to_the_last_decimal() -> None:
    texts = [
        "2026-01-31T11:59:59.999999999Z",
        NOON,
        "2026-01-31T12:00:00.00000000000000000001Z",
        "2026-01-31T12:00:00.1Z",
        "2026-01-31T12:00:00.11Z",
        "2026-01-31T12:00:00.2Z",
        "2026-01-31T07:00:01-05:00",
    ]

    assert all(Moment.parse(one) < Moment.parse(other) for one, other in pairwise(texts))


def test_two_texts_of_one_moment_are_equal() -> None:
    assert Moment.parse("2026-01-31T13:00:00.500+01:00") == Moment.parse("2026-01-31T12:00:00.5Z")


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]), min_value=FIRST))
def test_a_moment_that_was_written_is_read_as_the_same(moment: datetime) -> None:
    written = Moment.at(moment)

    assert Moment.parse(written.text) == written
    assert written.moment == moment
    assert Moment.parse(written_time(moment)).second == moment.astimezone(UTC).replace(microsecond=0)


def test_a_time_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        Moment.at(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="must have a time zone"):
        written_time(datetime(2026, 1, 31))  # noqa: DTZ001 - as above
