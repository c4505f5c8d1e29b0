from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.digest import sha256
from haldir_core.schemapin import (
    HashForm,
    Level,
    Moment,
    PinStatus,
    ScanCache,
    ScanResult,
    Tool,
    Verification,
    confidence_in,
)
from haldir_core.schemapin.results import Metadata

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOOL = Tool.of("tools.example", "weather")
SCAN = ScanResult(passed=True, scanner_version="haldir-scanner 0.1.0", ruleset_hash=sha256(b"rules"))
FRESH = Verification(
    valid=True,
    domain=TOOL.domain,
    tool_id=TOOL.tool_id,
    key_pinning=PinStatus.PINNED,
    hash_form=HashForm.DOUBLE,
    metadata=Metadata(authenticated=True, signed_at=Moment.at(NOW - timedelta(days=1)), scan=SCAN),
)


def _with(**metadata: Any) -> Verification:  # noqa: ANN401 - members of Metadata
    return attrs.evolve(FRESH, metadata=attrs.evolve(FRESH.metadata, **metadata))


OLD = _with(signed_at=Moment.at(NOW - timedelta(days=91)))
EXPIRED = attrs.evolve(FRESH, expired=True, warnings=("signature_expired",))
INVALID = attrs.evolve(FRESH, valid=False)


@pytest.mark.parametrize(
    ("verification", "level"),
    [
        (FRESH, Level.RECENT),
        (OLD, Level.OLD),
        (_with(signed_at=None), Level.OLD),
        (_with(authenticated=False), Level.OLD),
        (_with(signed_at=Moment.at(NOW + timedelta(hours=1))), Level.OLD),
        (EXPIRED, Level.EXPIRED),
        (attrs.evolve(FRESH, warnings=("signature_expires_at_unparseable",)), Level.EXPIRED),
        (INVALID, Level.UNSIGNED),
        (None, Level.UNSIGNED),
    ],
    ids=["fresh", "old", "undated", "unsigned-date", "future", "expired", "odd-expiry", "invalid", "unsigned"],
)
def test_a_verification_has_a_level(verification: Verification | None, level: Level) -> None:
    found = confidence_in(verification, now=NOW)

    assert found.level is level
    assert found.score == sum(part.points for part in found.parts)
    assert all(part.reason for part in found.parts)


def test_the_best_has_999_points_and_what_is_not_valid_none() -> None:
    assert confidence_in(FRESH, now=NOW).score == 999
    assert confidence_in(INVALID, now=NOW).score == confidence_in(None, now=NOW).score == 0


@given(
    st.tuples(*[st.sampled_from([FRESH, OLD, EXPIRED, INVALID])] * 2),
    st.tuples(*[st.sampled_from([None, PinStatus.PINNED, PinStatus.FIRST_USE])] * 2),
    st.tuples(*[st.sampled_from([HashForm.SINGLE, HashForm.DOUBLE])] * 2),
    st.tuples(*[st.sampled_from([None, SCAN, attrs.evolve(SCAN, passed=False)])] * 2),
)
def test_a_higher_level_always_has_more_points(
    bases: tuple[Verification, ...],
    pins: tuple[PinStatus | None, ...],
    forms: tuple[HashForm, ...],
    scans: tuple[ScanResult | None, ...],
) -> None:
    one, other = (
        confidence_in(
            attrs.evolve(base, key_pinning=pin, hash_form=form, metadata=attrs.evolve(base.metadata, scan=scan)),
            now=NOW,
        )
        for base, pin, form, scan in zip(bases, pins, forms, scans, strict=True)
    )

    if one.level > other.level:
        assert one.score > other.score


def test_what_is_recent_is_for_the_caller_to_say() -> None:
    assert confidence_in(FRESH, now=NOW, recent=timedelta(hours=1)).level is Level.OLD


def test_a_scan_is_found_for_the_same_files_scanner_and_rules_only() -> None:
    cache = ScanCache()
    cache.put(b"root", SCAN)

    assert cache.get(b"root", SCAN.scanner_version, SCAN.ruleset_hash) == SCAN
    assert cache.get(b"other", SCAN.scanner_version, SCAN.ruleset_hash) is None
    assert cache.get(b"root", "other", SCAN.ruleset_hash) is None
    assert cache.get(b"root", SCAN.scanner_version, "other") is None


def test_the_scan_that_was_not_used_longest_goes_first() -> None:
    cache = ScanCache(max_entries=2)
    for root in (b"1", b"2"):
        cache.put(root, SCAN)
    cache.get(b"1", SCAN.scanner_version, SCAN.ruleset_hash)
    cache.put(b"3", SCAN)

    assert len(cache) == 2
    assert cache.get(b"2", SCAN.scanner_version, SCAN.ruleset_hash) is None
    assert cache.get(b"1", SCAN.scanner_version, SCAN.ruleset_hash) is SCAN
