"""How long an online source waits, and how often it tries."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom

from attrs import frozen

from haldir_auditor.vulnerabilities._online.addresses import Transports


@frozen
class Settings:
    """Bounds of a conversation with a service.

    ``deadline_seconds`` is for a whole look-up, ``request_seconds`` for one request with its answer.  A request that
    fails in a way that may pass is tried ``attempts`` times in all; before each further time it waits twice as long,
    times a random part, or as long as the service says.  ``clock`` (wall clock, for dates in ``Retry-After``),
    ``random`` (at least 0, below 1) and ``sleep`` are for tests to replace.
    """

    deadline_seconds: float = 30
    request_seconds: float = 15
    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20
    concurrency: int = 8
    max_answer_bytes: int = 32 * 1024 * 1024
    max_record_bytes: int = 4 * 1024 * 1024
    max_pages: int = 50
    transports: Transports = Transports.ENCRYPTED
    random: Callable[[], float] = SystemRandom().random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


DEFAULT = Settings()


def wait_before(attempt: int, retry_after: str | None, settings: Settings) -> float:
    """Return the seconds to wait before the ``attempt``-th repetition, from 1.

    Source: RFC 9110 10.2.3 for ``Retry-After``; what is none is passed over.
    """
    said = _said(retry_after, settings)
    if said is not None:
        return said
    longest = min(settings.first_wait_seconds * 2.0 ** (attempt - 1), settings.longest_wait_seconds)
    return longest * (0.5 + settings.random() / 2)


def _said(retry_after: str | None, settings: Settings) -> float | None:
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - settings.clock()).total_seconds())
