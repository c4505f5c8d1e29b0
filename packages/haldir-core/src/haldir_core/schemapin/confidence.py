"""How much a signature is worth: recent before old, old before expired, expired before unsigned.

Spec: schemapin, section 12.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum

from attrs import frozen

from haldir_core.schemapin.codes import PinStatus, WarningCode
from haldir_core.schemapin.evidence import CLOCK_SKEW
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.signatures import HashForm

RECENT = timedelta(days=90)
"""How old a signature may be that counts as recent, unless the caller says otherwise."""


class Level(IntEnum):
    """What decides first; a higher level is always worth more than a lower one."""

    UNSIGNED = 0
    """Not signed, or not valid."""
    EXPIRED = 1
    """Expired, or with an expiry that is no time."""
    OLD = 2
    """Older than is recent, or of an age that nobody signed: anybody can write today's date."""
    RECENT = 3


_LEVEL_POINTS = 250
"""Points between two levels; all parts of one level together give fewer."""


@frozen
class Part:
    """One reason for the score, and the points out of 1,000 that it gives."""

    name: str
    points: int
    reason: str


@frozen
class Confidence:
    """A level, a score from 0 to 1,000, and the parts that add up to it."""

    level: Level
    score: int
    parts: tuple[Part, ...]


def confidence_in(verification: Verification | None, *, now: datetime, recent: timedelta = RECENT) -> Confidence:
    """Return how much ``verification`` is worth; None stands for what is not signed."""
    if verification is None or not verification.valid:
        reason = "not signed" if verification is None else f"not valid: {verification.error_code}"
        return Confidence(Level.UNSIGNED, 0, (Part("level", 0, reason),))
    level, reason = _level(verification, now, recent)
    parts = (Part("level", level * _LEVEL_POINTS, reason), *_parts(verification))
    return Confidence(level, sum(part.points for part in parts), parts)


def _level(verification: Verification, now: datetime, recent: timedelta) -> tuple[Level, str]:
    if verification.expired:
        return Level.EXPIRED, "the signature has expired"
    if WarningCode.EXPIRES_AT_UNPARSEABLE in verification.warnings:
        return Level.EXPIRED, "the expiry is no time that can be compared"
    signed = verification.metadata.signed_at
    if not verification.metadata_authenticated or signed is None:
        return Level.OLD, "nobody signed when the signature was made"
    age = now - signed.moment
    if age < -CLOCK_SKEW:
        return Level.OLD, "the signature says that it was made in the future"
    if age > recent:
        return Level.OLD, f"signed {age.days} days ago"
    return Level.RECENT, f"signed within {recent.days} days"


def _parts(verification: Verification) -> Iterator[Part]:
    """Yield what makes a difference within a level; the most points together are 249."""
    if verification.metadata_authenticated:
        yield Part("statement", 100, "all metadata is signed")
    if verification.key_pinning is PinStatus.PINNED:
        yield Part("pin", 60, "the key was pinned before")
    if verification.hash_form is HashForm.DOUBLE:
        yield Part("hash", 20, "hashed as the specification says")
    scan = verification.metadata.scan
    if scan is not None and scan.passed and WarningCode.SCAN_OUTDATED not in verification.warnings:
        yield Part("scan", 49, f"scanned by {scan.scanner_version}, nothing found")
    if not verification.warnings:
        yield Part("warnings", 20, "no warnings")
