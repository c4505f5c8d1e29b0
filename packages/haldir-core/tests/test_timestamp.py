from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Timestamp
from haldir_core.digest import parse_digest, sha256
from haldir_core.timestamp import later

LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_writing_and_reading_to_the_millisecond(moment: datetime) -> None:
    written = Timestamp.at(moment)

    assert Timestamp.parse(written.text) == written
    assert Timestamp.parse(written.text).moment == written.moment
    assert timedelta() <= moment - written.moment < timedelta(milliseconds=1)
    assert len(written.text) == len("2026-01-31T12:00:00.000Z")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000Z"),
        (datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC), "2026-01-31T12:00:00.999Z"),
        (datetime(2026, 1, 31, 1, tzinfo=timezone(timedelta(hours=2))), "2026-01-30T23:00:00.000Z"),
        (datetime(7, 1, 2, tzinfo=UTC), "0007-01-02T00:00:00.000Z"),
    ],
)
def test_a_moment_is_written_in_utc_and_milliseconds(moment: datetime, text: str) -> None:
    assert Timestamp.at(moment).text == text


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        Timestamp.at(datetime(2026, 1, 31))  # noqa: DTZ001 - the very mistake


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:34Z", datetime(2026, 1, 31, 12, 34, tzinfo=UTC)),
        ("2026-01-31T12:34:56Z", datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)),
        ("2026-01-31T12:34:56.7Z", datetime(2026, 1, 31, 12, 34, 56, 700_000, tzinfo=UTC)),
        ("2026-01-31T12:34:56.123456789Z", datetime(2026, 1, 31, 12, 34, 56, 123_456, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", FIRST),
    ],
)
def test_a_timestamp_is_read_and_its_text_is_kept(text: str, moment: datetime) -> None:
    read = Timestamp.parse(text)

    assert (read.text, read.moment) == (text, moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00.5Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "2026-1-31T12:00:00Z",
        "+2026-01-31T12:00:00Z",
        "-2026-01-31T12:00:00Z",
        "12026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        " 2026-01-31T12:00:00Z",
        "\u0662026-01-31T12:00:00Z",
        "2026-01-31T12:00:00." + "0" * 60 + "Z",
    ],
    ids=ascii,
)
def test_a_timestamp_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a UTC time like"):
        Timestamp.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
    ],
)
def test_a_timestamp_that_names_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no real moment"):
        Timestamp.parse(text)


def test_two_texts_of_one_moment_are_not_the_same_timestamp() -> None:
    assert Timestamp.parse("2026-01-31T12:00Z") != Timestamp.parse("2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    ("moment", "delta", "expected"),
    [
        (FIRST, timedelta(days=1), datetime(1, 1, 2, tzinfo=UTC)),
        (LAST, timedelta(days=1), LAST),
        (FIRST, -timedelta(days=1), FIRST),
    ],
    ids=["usual", "beyond-the-last", "before-the-first"],
)
def test_the_end_of_time_is_not_crossed(moment: datetime, delta: timedelta, expected: datetime) -> None:
    assert later(moment, delta) == expected


@given(st.binary(max_size=40))
def test_a_digest_is_a_digest(data: bytes) -> None:
    assert parse_digest(sha256(data)) == sha256(data)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0" * 64, "sha256:", "sha256:" + "0" * 63, "sha256:" + "0" * 65, "sha256:" + "A" * 64),
        *("SHA256:" + "0" * 64, "sha512:" + "0" * 64, "sha256:" + "0" * 64 + "\n", " sha256:" + "0" * 64),
        "sha256:" + "\u0660" * 64,
    ],
    ids=ascii,
)
def test_a_digest_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case hexadecimal digits"):
        parse_digest(text)
