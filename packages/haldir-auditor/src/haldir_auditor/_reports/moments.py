"""Moments as the exchange formats have them."""

from datetime import UTC, datetime


def zulu(moment: datetime) -> str:
    """A moment in UTC with seconds and the letter Z, which is the only form that all readers of OSV and VEX take."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
