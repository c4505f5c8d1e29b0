"""Moments as SchemaPin writes them, read by one strict and exact RFC 3339 parser."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Self

from attrs import field, frozen

# RFC 3339 5.6 with upper-case T and Z.  No second 60: no clock that compares with it can show one.
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_LONGEST = 64
"""Characters of a text that is looked at: nobody measures time to 30 decimals."""


@frozen(order=True)
class Moment:
    """A moment in UTC, exact to any number of decimals, and the text that named it.

    Attributes:
        second: the whole second, with the time zone UTC.
        decimals: the digits of its fraction without zeros at the end; such texts are in the order of their values.
        text: the text that was read; it does not count when moments are compared.
    """

    second: datetime
    decimals: str
    text: str = field(eq=False, order=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an RFC 3339 time: ``T`` and ``Z`` in upper case, seconds and offset written out, real days only.

        Raises: ValueError if ``text`` has another form or names no moment between the years 1 and 9999.
        """
        match = None if len(text) > _LONGEST else _FORM.fullmatch(text)
        if match is None:
            raise ValueError("must be an RFC 3339 time like 2026-01-31T12:00:00Z")
        decimals, sign, hours, minutes = match.groups()[6:]
        try:
            offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
            year, month, day, hour, minute, second = (int(number) for number in match.groups()[:6])
            utc = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"names no real moment: {error}") from error
        return cls(utc, (decimals or "").rstrip("0"), text)

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """Return ``moment`` (aware) to its microsecond.

        Raises: ValueError if ``moment`` has no time zone.
        """
        second = in_utc(moment)
        decimals = f"{second.microsecond:06d}".rstrip("0")
        whole = second.replace(microsecond=0)
        return cls(whole, decimals, _written(whole).replace("Z", f".{decimals}Z" if decimals else "Z"))

    @property
    def moment(self) -> datetime:
        """The moment cut to its microsecond."""
        return self.second.replace(microsecond=int(self.decimals[:6].ljust(6, "0")))


def written_time(moment: datetime) -> str:
    """Return ``moment`` (aware) cut to the second as all four SDKs write it: ``2026-01-31T12:00:00Z``.

    Raises: ValueError if ``moment`` has no time zone.
    """
    return _written(in_utc(moment))


def in_utc(moment: datetime) -> datetime:
    """Return ``moment`` (aware) in UTC.

    Raises: ValueError if ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment must have a time zone")
    return moment.astimezone(UTC)


def _written(utc: datetime) -> str:
    return utc.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
