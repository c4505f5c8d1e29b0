"""When a request is sent again, and after what pause."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 that say: later."""

_MAX_DOUBLINGS = 30
_LONGEST_HEADER = 100


@frozen(kw_only=True)
class Patience:
    """How long and how often a provider is asked for one answer.

    The deadline counts from the moment at which one of the places of ``concurrency`` is free.
    """

    try_seconds: float = 60.0
    deadline_seconds: float = 120.0
    tries: int = 4
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    concurrency: int = 4
    max_answer_bytes: int = 2 * 1024 * 1024


def is_passing(status: int) -> bool:
    """Whether the same request may be answered later."""
    return status in AGAIN or 500 <= status <= 599


def pause(patience: Patience, failures: int, drawn: float, asked_for: float | None) -> float:
    """Return the seconds to wait after so many failures: a part of the full pause by chance, or what the server asks.

    ``drawn`` is a number from 0 to 1.  The full pause doubles with each failure.
    """
    doubled = patience.first_pause_seconds * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
    return max(drawn * min(doubled, patience.longest_pause_seconds), asked_for or 0.0)


def asked_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the server asks to wait; None if it asks for nothing that can be understood.

    Source: RFC 9110 10.2.3 (seconds or a date); ``retry-after-ms`` is OpenAI's.
    """
    milliseconds = _number(headers.get("Retry-After-Ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("Retry-After", "").strip()
    seconds = _number(text)
    return _until(text, now) if seconds is None else seconds


def _number(text: str) -> float | None:
    if len(text) > _LONGEST_HEADER or not text.isascii() or "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return max(value, 0.0) if math.isfinite(value) else None


def _until(text: str, now: datetime) -> float | None:
    if len(text) > _LONGEST_HEADER:
        return None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # "-0000": in UTC, of unknown origin
            moment = moment.replace(tzinfo=UTC)
        return max((moment - now).total_seconds(), 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
