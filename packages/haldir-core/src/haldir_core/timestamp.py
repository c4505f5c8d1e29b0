"""Moments in UTC as the format writes them: ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""

import re
from datetime import UTC, datetime, timedelta
from typing import Self

from attrs import field, frozen

# Accepted on reading: Z only, seconds optional, any number of fraction digits, real calendar days.  Spec: section 3
_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?Z", re.ASCII)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@frozen
class Timestamp:
    """A moment, and the very text that named it (a signed text is never rewritten)."""

    text: str
    moment: datetime = field(eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a timestamp.

        Raises: ValueError if ``text`` has another form or names no real moment.
        """
        match = _FORM.fullmatch(text)
        if match is None or len(text) > 64:
            raise ValueError("must be a UTC time like 2026-01-31T12:00:00.000Z")
        *numbers, fraction = match.groups()
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        micros = int((fraction or "0")[:6].ljust(6, "0"))
        try:
            return cls(text, datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC))
        except ValueError as error:
            raise ValueError(f"names no real moment: {error}") from error

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """Return ``moment`` (aware) cut to milliseconds, as the format writes it.

        Raises: ValueError if ``moment`` has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("a moment must have a time zone")
        utc = moment.astimezone(UTC)
        millis = utc.microsecond // 1000
        cut = utc.replace(microsecond=millis * 1000)
        return cls(f"{cut:%Y-%m-%dT%H:%M:%S}".zfill(19) + f".{millis:03d}Z", cut)


def later(moment: datetime, delta: timedelta) -> datetime:
    """Return ``moment + delta``, or the last or first moment that there is if the sum lies beyond it."""
    try:
        return moment + delta
    except OverflowError:
        return _LAST if delta > timedelta() else _FIRST
