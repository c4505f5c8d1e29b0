from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from haldir_core import Context, Keyring, KeyRole, PrivateKey, RevocationEvidence, Verification

WEATHER = ("weather", "1.2.3")
SKEW = timedelta(seconds=300)
GRACE = timedelta(hours=24)
TICK = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
INSTALL, RUNTIME = Context.INSTALL, Context.RUNTIME

Lists = Callable[..., bytes]
Judge = Callable[..., str]


@pytest.fixture
def judge(signed: Path, check: Callable[..., Verification], now: datetime, ring: Keyring) -> Judge:
    """Judge the signed skill by lists; return its trust level and the first code, if there is one."""

    def verdict(
        current: bytes | tuple[bytes, ...] | None,
        *remembered: bytes,
        sequence_numbers: dict[str, int] | None = None,
        context: Context = INSTALL,
        at: datetime = now,
        keyring: Keyring = ring,
    ) -> str:
        evidence = RevocationEvidence(current=current, remembered=remembered, sequence_numbers=sequence_numbers or {})
        found = check(signed, evidence=evidence, context=context, at=at, keyring=keyring)
        codes = [error.code.value for error in found.errors] + [warned.code.value for warned in found.warnings]
        assert len(codes) <= 1
        return " ".join([found.trust_level, *codes])

    return verdict


FULL = "full"
STALE = "none E_REVOCATION_STALE"
REVOKED = "none E_REVOKED"
DEGRADED = "degraded W_REVOCATION_STALE"
UNAVAILABLE = "degraded W_REVOCATION_UNAVAILABLE"
INVALID = "degraded W_REVOCATION_SIG_INVALID"


# Time.


@pytest.mark.parametrize(
    ("after_expiry", "install", "runtime"),
    [
        (-timedelta(hours=1), FULL, FULL),
        (timedelta(), FULL, FULL),
        (SKEW, FULL, FULL),
        (SKEW + TICK, STALE, DEGRADED),
        (GRACE, STALE, DEGRADED),
        (SKEW + GRACE, STALE, DEGRADED),
        (SKEW + GRACE + TICK, STALE, STALE),
        (timedelta(days=3650), STALE, STALE),
    ],
    ids=["before", "at", "skew", "past-skew", "grace", "grace-and-skew", "past-grace", "years"],
)
def test_an_expired_list_serves_through_the_skew_and_at_run_time_through_the_grace(
    after_expiry: timedelta, install: str, runtime: str, judge: Judge, revocations: Lists, now: datetime
) -> None:
    listed = revocations(issued=now - timedelta(hours=24), expires=now)

    assert judge(listed, at=now + after_expiry) == install
    assert judge(listed, at=now + after_expiry, context=RUNTIME) == runtime


@pytest.mark.parametrize("after_expiry", [timedelta(), SKEW + TICK, SKEW + GRACE + TICK], ids=["at", "grace", "beyond"])
def test_an_expired_list_that_revokes_does_so_at_run_time_and_is_stale_at_install(
    after_expiry: timedelta, judge: Judge, revocations: Lists, now: datetime
) -> None:
    listed = revocations(WEATHER, issued=now - timedelta(hours=24), expires=now)

    assert judge(listed, at=now + after_expiry, context=RUNTIME) == REVOKED
    assert judge(listed, at=now + after_expiry) == (STALE if after_expiry else REVOKED)


@pytest.mark.parametrize(
    ("ahead", "install", "runtime"),
    [(SKEW, FULL, FULL), (SKEW + MILLISECOND, STALE, DEGRADED), (timedelta(days=3650), STALE, DEGRADED)],
    ids=["skew", "past-skew", "years"],
)
def test_a_list_from_the_future_serves_through_the_skew_only(
    ahead: timedelta, install: str, runtime: str, judge: Judge, revocations: Lists, now: datetime
) -> None:
    listed = revocations(issued=now + ahead, expires=now + ahead + timedelta(hours=24))

    assert judge(listed) == install
    assert judge(listed, context=RUNTIME) == runtime


def test_a_list_from_the_future_revokes_at_run_time(judge: Judge, revocations: Lists, now: datetime) -> None:
    listed = revocations(WEATHER, issued=now + timedelta(days=1), expires=now + timedelta(days=2))

    assert judge(listed, context=RUNTIME) == REVOKED
    assert judge(listed) == STALE


@pytest.mark.parametrize(
    ("after_expiry", "install", "runtime"),
    [(timedelta(), FULL, FULL), (SKEW - MILLISECOND, FULL, FULL), (SKEW, STALE, INVALID)],
    ids=["at", "skew", "past-skew"],
)
def test_a_list_that_was_issued_after_its_own_expiry_does_not_count(
    after_expiry: timedelta, install: str, runtime: str, judge: Judge, revocations: Lists, now: datetime
) -> None:
    listed = revocations(issued=now, expires=now - after_expiry)

    assert judge(listed) == install
    assert judge(listed, context=RUNTIME) == runtime


def test_the_end_of_time_does_not_stop_a_verification(judge: Judge, revocations: Lists, now: datetime) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

    assert judge(revocations(expires=last)) == FULL
    assert judge(revocations(issued=last, expires=last), at=now) == STALE
    assert judge(revocations(), at=datetime.max.replace(tzinfo=UTC), context=RUNTIME) == STALE


# Lists that do not count.


def test_no_list_at_all(judge: Judge) -> None:
    assert judge(None) == STALE
    assert judge(None, context=RUNTIME) == UNAVAILABLE


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]"], ids=ascii)
def test_a_list_that_is_none(data: bytes, judge: Judge) -> None:
    assert judge(data) == STALE
    assert judge(data, context=RUNTIME) == INVALID


def test_a_list_by_a_stranger_neither_acquits_nor_revokes(
    judge: Judge, revocations: Lists, stranger: PrivateKey
) -> None:
    for listed in (revocations(signer=stranger), revocations(WEATHER, signer=stranger)):
        assert judge(listed) == STALE
        assert judge(listed, context=RUNTIME) == INVALID


def test_a_list_by_the_publisher_of_another_skill_neither_acquits_nor_revokes(
    judge: Judge, revocations: Lists, authority: PrivateKey
) -> None:
    for listed in (revocations(signer=authority), revocations(WEATHER, signer=authority)):
        assert judge(listed) == STALE
        assert judge(listed, context=RUNTIME) == INVALID


def test_a_list_whose_signature_does_not_verify_neither_acquits_nor_revokes(judge: Judge, revocations: Lists) -> None:
    for listed in (revocations(), revocations(WEATHER)):
        changed = listed.replace(b'"sequence_number": 1', b'"sequence_number": 2')
        assert changed != listed
        assert judge(changed) == STALE
        assert judge(changed, context=RUNTIME) == INVALID


# The publisher's own list.


@pytest.mark.parametrize("context", Context)
def test_the_publisher_may_revoke_what_it_signed(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(WEATHER, signer=publisher), context=context) == REVOKED


def test_the_publisher_does_not_acquit_itself_where_a_revocation_key_is_trusted(
    judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    own = revocations(signer=publisher)

    assert judge(own) == STALE
    assert judge(own, context=RUNTIME) == UNAVAILABLE


@pytest.mark.parametrize("context", Context)
def test_the_publisher_does_not_hide_what_a_revoker_has_revoked(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(signer=publisher), revocations(WEATHER), context=context) == REVOKED


@pytest.mark.parametrize("context", Context)
def test_the_publisher_answers_for_itself_where_no_revocation_key_is_trusted(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    ring = Keyring.of([(publisher.public_key, KeyRole.PUBLISHER)])

    assert judge(revocations(signer=publisher), context=context, keyring=ring) == FULL


@pytest.mark.parametrize("context", Context)
def test_a_publisher_that_is_trusted_for_revocations_answers_for_itself(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey, revoker: PrivateKey
) -> None:
    ring = Keyring.of(
        [
            (publisher.public_key, KeyRole.PUBLISHER),
            (publisher.public_key, KeyRole.REVOCATION),
            (revoker.public_key, KeyRole.REVOCATION),
        ]
    )

    assert judge(revocations(signer=publisher), context=context, keyring=ring) == FULL


def test_a_key_in_the_envelope_whose_signature_is_bad_revokes_nothing(
    signed: Path, check: Callable[..., Verification], revocations: Lists, authority: PrivateKey, revoker: PrivateKey
) -> None:
    path = signed / ".vault/signature.json"
    fake = f'"signatures": [{{"keyid": "{authority.keyid}", "sig": "{"A" * 86}"}},'
    path.write_text(path.read_text().replace('"signatures": [', fake))
    evidence = RevocationEvidence(current=revocations(WEATHER, signer=authority))

    verdict = check(signed, evidence=evidence, context=RUNTIME)

    assert [warned.code for warned in verdict.warnings] == ["W_REVOCATION_SIG_INVALID"]


# Sequence numbers.


@pytest.mark.parametrize(
    ("sequence", "install", "runtime"),
    [(4, STALE, DEGRADED), (5, FULL, FULL), (6, FULL, FULL)],
    ids=["older", "same", "newer"],
)
def test_an_older_list_than_was_seen_does_not_serve(
    sequence: int, install: str, runtime: str, judge: Judge, revocations: Lists, revoker: PrivateKey
) -> None:
    listed = revocations(sequence=sequence)

    for context, expected in ((INSTALL, install), (RUNTIME, runtime)):
        assert judge(listed, revocations(sequence=5), context=context) == expected
        assert judge(listed, sequence_numbers={revoker.keyid: 5}, context=context) == expected
        assert judge(listed, sequence_numbers={"another key": 9, revoker.keyid: 5}, context=context) == expected


def test_the_higher_of_both_memories_counts(judge: Judge, revocations: Lists, revoker: PrivateKey) -> None:
    listed = revocations(sequence=5)

    assert judge(listed, revocations(sequence=4), sequence_numbers={revoker.keyid: 6}) == STALE
    assert judge(listed, revocations(sequence=6), sequence_numbers={revoker.keyid: 4}) == STALE


def test_the_highest_of_several_remembered_lists_counts(judge: Judge, revocations: Lists) -> None:
    remembered = [revocations(sequence=number) for number in (3, 7, 5)]

    assert judge(revocations(sequence=6), *remembered) == STALE
    assert judge(revocations(sequence=7), *remembered) == FULL


def test_a_rollback_does_not_bring_a_revoked_skill_back(judge: Judge, revocations: Lists) -> None:
    old, newer = revocations(sequence=4), revocations(WEATHER, sequence=5)

    assert judge(old, newer, context=RUNTIME) == REVOKED
    assert judge(old, newer) == STALE


def test_a_newer_list_may_take_a_revocation_back(judge: Judge, revocations: Lists) -> None:
    assert judge(revocations(sequence=6), revocations(WEATHER, sequence=5)) == FULL


def test_an_older_list_at_hand_does_not_acquit_and_revokes_still(judge: Judge, revocations: Lists) -> None:
    older = revocations(WEATHER, sequence=4)

    assert judge(older, revocations(sequence=5), context=RUNTIME) == REVOKED
    assert judge(older, revocations(sequence=5)) == STALE


def test_the_memory_of_a_number_outlives_the_list(judge: Judge, revocations: Lists, now: datetime) -> None:
    long_ago = revocations(sequence=9, issued=now - timedelta(days=100), expires=now - timedelta(days=99))

    assert judge(revocations(sequence=8), long_ago) == STALE
    assert judge(revocations(sequence=8), long_ago, context=RUNTIME) == STALE  # what was kept is beyond its grace
    assert judge(revocations(sequence=10), long_ago) == FULL


def test_a_number_seen_from_one_signer_says_nothing_about_another(
    judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(sequence=1), revocations(signer=publisher, sequence=9)) == FULL


def test_a_forged_remembered_list_raises_no_number(judge: Judge, revocations: Lists, stranger: PrivateKey) -> None:
    forged = revocations(sequence=8).replace(b'"sequence_number": 8', b'"sequence_number": 9')

    assert judge(revocations(), forged, revocations(signer=stranger, sequence=9), b"junk") == FULL


# Two lists with one number.


@pytest.mark.parametrize("context", Context)
def test_the_same_list_written_otherwise_is_the_same(context: Context, judge: Judge, revocations: Lists) -> None:
    listed = revocations(sequence=5)

    assert judge(listed.replace(b"\n", b""), listed, context=context) == FULL


def test_two_different_lists_with_one_number_are_not_believed(judge: Judge, revocations: Lists, now: datetime) -> None:
    one, other = revocations(sequence=5), revocations(sequence=5, expires=now + timedelta(hours=25))

    assert judge(one, other) == judge(other, one) == STALE
    assert judge(one, other, context=RUNTIME) == judge(other, one, context=RUNTIME) == DEGRADED


def test_of_two_different_lists_with_one_number_either_revokes(judge: Judge, revocations: Lists) -> None:
    good, bad = revocations(sequence=5), revocations(WEATHER, sequence=5)

    assert judge(good, bad, context=RUNTIME) == judge(bad, good, context=RUNTIME) == REVOKED


def test_of_two_remembered_lists_with_one_number_either_revokes(judge: Judge, revocations: Lists) -> None:
    good, bad = revocations(sequence=5), revocations(WEATHER, sequence=5)

    assert judge(good, good, bad, context=RUNTIME) == REVOKED
    assert judge(good, bad, good, context=RUNTIME) == REVOKED


# Remembered lists.


@pytest.mark.parametrize("current", [None, b"junk"], ids=["none", "junk"])
def test_a_remembered_list_revokes_at_run_time_without_a_current_one(
    current: bytes | None, judge: Judge, revocations: Lists
) -> None:
    assert judge(current, revocations(WEATHER), context=RUNTIME) == REVOKED


def test_a_remembered_list_revokes_at_install_without_a_current_one(judge: Judge, revocations: Lists) -> None:
    assert judge(None, revocations(WEATHER)) == REVOKED
    assert judge(b"junk", revocations(WEATHER)) == STALE


@pytest.mark.parametrize(
    ("after_expiry", "expected"), [(SKEW + GRACE, REVOKED), (SKEW + GRACE + TICK, UNAVAILABLE)], ids=["grace", "beyond"]
)
def test_a_remembered_list_revokes_through_its_grace(
    after_expiry: timedelta, expected: str, judge: Judge, revocations: Lists, now: datetime
) -> None:
    remembered = revocations(WEATHER, issued=now - timedelta(hours=24), expires=now)

    assert judge(None, remembered, context=RUNTIME, at=now + after_expiry) == expected


def test_a_remembered_list_does_not_acquit(judge: Judge, revocations: Lists) -> None:
    assert judge(None, revocations()) == STALE
    assert judge(None, revocations(), context=RUNTIME) == UNAVAILABLE


@pytest.mark.parametrize("context", Context)
def test_a_remembered_list_of_another_signer_revokes_beside_the_current_one(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(), revocations(WEATHER, signer=publisher), context=context) == REVOKED


@pytest.mark.parametrize("entry", [WEATHER, ("weather", "*")], ids=["version", "every-version"])
@pytest.mark.parametrize("context", Context)
def test_a_listed_skill_is_revoked(entry: tuple[str, str], context: Context, judge: Judge, revocations: Lists) -> None:
    assert judge(revocations(("other", "1"), entry), context=context) == REVOKED


@pytest.mark.parametrize("entry", [("weather", "1.2"), ("Weather", "1.2.3"), ("other", "*")])
def test_another_skill_is_not(entry: tuple[str, str], judge: Judge, revocations: Lists) -> None:
    assert judge(revocations(entry)) == FULL
