from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from haldir_core import Context, Keyring, KeyRole, PrivateKey, RevocationEvidence, RevocationList, Verification

WEATHER = ("weather", "1.2.3")
Lists = Callable[..., bytes]
Judge = Callable[..., str]


@pytest.fixture
def judge(signed: Path, check: Callable[..., Verification], now: datetime, ring: Keyring) -> Judge:
    """Judge the signed skill by lists at hand and lists that were kept; return its trust level and first code."""

    def verdict(
        *current: bytes,
        kept: tuple[bytes, ...] = (),
        numbers: Mapping[str, int] | None = None,
        context: Context = Context.INSTALL,
        keyring: Keyring = ring,
    ) -> str:
        evidence = RevocationEvidence(current=current, remembered=kept, sequence_numbers=numbers or {})
        found = check(signed, evidence=evidence, context=context, at=now, keyring=keyring)
        codes = [error.code.value for error in found.errors] + [warned.code.value for warned in found.warnings]
        return " ".join([found.trust_level, *codes])

    return verdict


@pytest.fixture
def two_revokers(publisher: PrivateKey, revoker: PrivateKey, authority: PrivateKey) -> Keyring:
    """The publisher, and two revocation keys: the revoker and the authority."""
    return Keyring.of(
        [
            (publisher.public_key, KeyRole.PUBLISHER),
            (revoker.public_key, KeyRole.REVOCATION),
            (authority.public_key, KeyRole.REVOCATION),
        ]
    )


@pytest.fixture
def days_old(revocations: Lists, now: datetime) -> Lists:
    """Make a list that expired three days ago, so beyond every grace."""

    def make(*revoked: tuple[str, str], **changes: Any) -> bytes:  # noqa: ANN401 - what `revocations` takes
        return revocations(*revoked, issued=now - timedelta(days=4), expires=now - timedelta(days=3), **changes)

    return make


def test_one_list_may_be_given_without_a_tuple(revocations: Lists) -> None:
    listed = revocations()

    assert RevocationEvidence(current=listed, remembered=listed) == RevocationEvidence(
        current=(listed,), remembered=(listed,)
    )
    assert RevocationEvidence(current=None) == RevocationEvidence()


@pytest.mark.parametrize("context", Context)
def test_of_several_lists_at_hand_the_best_answers(
    context: Context, judge: Judge, revocations: Lists, stranger: PrivateKey, now: datetime
) -> None:
    expired = revocations(issued=now - timedelta(days=3), expires=now - timedelta(days=2))
    lists = (b"junk", revocations(signer=stranger), expired, revocations(sequence=2))

    for order in permutations(lists):
        assert judge(*order, context=context) == "full"


@pytest.mark.parametrize("context", Context)
def test_any_of_several_lists_at_hand_revokes(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    lists = (b"junk", revocations(), revocations(WEATHER, signer=publisher))

    for order in permutations(lists):
        assert judge(*order, context=context) == "none E_REVOKED"


@pytest.mark.parametrize("context", Context)
def test_an_older_list_beside_a_newer_one_does_not_acquit(context: Context, judge: Judge, revocations: Lists) -> None:
    for order in permutations((revocations(sequence=4), revocations(WEATHER, sequence=5))):
        assert judge(*order, context=context) == "none E_REVOKED"


def test_the_newest_of_several_lists_is_given_back_to_be_kept(
    signed: Path, check: Callable[..., Verification], revocations: Lists
) -> None:
    newest = revocations(sequence=6)

    for order in permutations((revocations(sequence=4), revocations(sequence=5), newest)):
        verdict = check(signed, evidence=RevocationEvidence(current=order))
        assert verdict.revocation_list == RevocationList.from_bytes(newest)


@pytest.mark.parametrize("context", Context)
def test_the_publishers_own_list_answers_beside_a_kept_list_of_a_revoker_that_is_current(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(signer=publisher), kept=(revocations(),), context=context) == "full"


def test_the_publishers_own_list_does_not_answer_beside_a_kept_list_that_has_expired(
    judge: Judge, revocations: Lists, publisher: PrivateKey, now: datetime
) -> None:
    own = revocations(signer=publisher)
    within = revocations(issued=now - timedelta(days=1), expires=now - timedelta(hours=1))
    beyond = revocations(issued=now - timedelta(days=3), expires=now - timedelta(days=2))

    assert judge(own, kept=(within,)) == judge(own, kept=(beyond,)) == "none E_REVOCATION_STALE"
    assert judge(own, kept=(within,), context=Context.RUNTIME) == "degraded W_REVOCATION_UNAVAILABLE"
    assert judge(own, kept=(beyond,), context=Context.RUNTIME) == "none E_REVOCATION_STALE"


def test_a_list_that_is_no_answer_does_not_extend_the_grace_of_a_kept_one(
    judge: Judge, revocations: Lists, stranger: PrivateKey, now: datetime
) -> None:
    beyond = revocations(issued=now - timedelta(days=3), expires=now - timedelta(days=2))

    for forged in (b"junk", revocations(signer=stranger), revocations().replace(b": 1,", b": 2,")):
        assert judge(forged, kept=(beyond,), context=Context.RUNTIME) == "none E_REVOCATION_STALE"


def test_a_kept_list_of_the_publisher_does_not_acquit(judge: Judge, revocations: Lists, publisher: PrivateKey) -> None:
    own = revocations(signer=publisher)

    assert judge(own, kept=(own,)) == "none E_REVOCATION_STALE"
    assert judge(own, kept=(own,), context=Context.RUNTIME) == "degraded W_REVOCATION_UNAVAILABLE"


# What was revoked once stays revoked, whatever else is at hand.


@pytest.mark.parametrize("context", Context)
def test_an_old_kept_list_revokes_beside_a_current_list_of_another_revocation_key(
    context: Context, judge: Judge, revocations: Lists, days_old: Lists, authority: PrivateKey, two_revokers: Keyring
) -> None:
    old, fresh = days_old(WEATHER), revocations(signer=authority)

    for kept in permutations((old, fresh)):
        assert judge(fresh, kept=kept, context=context, keyring=two_revokers) == "none E_REVOKED"


@pytest.mark.parametrize("context", Context)
def test_what_the_publisher_revoked_days_ago_stays_revoked_beside_a_current_list(
    context: Context, judge: Judge, revocations: Lists, days_old: Lists, publisher: PrivateKey
) -> None:
    assert judge(revocations(), kept=(days_old(WEATHER, signer=publisher),), context=context) == "none E_REVOKED"


@pytest.mark.parametrize("context", Context)
def test_a_list_revokes_alike_whether_it_is_at_hand_or_was_kept(
    context: Context, judge: Judge, revocations: Lists, days_old: Lists, authority: PrivateKey, two_revokers: Keyring
) -> None:
    old, fresh = days_old(WEATHER), revocations(signer=authority)

    def verdict(*current: bytes, kept: tuple[bytes, ...] = ()) -> str:
        return judge(*current, kept=kept, context=context, keyring=two_revokers)

    assert verdict(fresh, old) == verdict(fresh, kept=(old,)) == verdict(fresh, old, kept=(fresh, old))


@pytest.mark.parametrize("answer", ["junk", "forged", "own", "rolled back", "future", "equivocation"])
def test_no_answer_hides_what_an_old_kept_list_revokes(
    answer: str,
    judge: Judge,
    revocations: Lists,
    days_old: Lists,
    publisher: PrivateKey,
    now: datetime,
) -> None:
    kept = days_old(WEATHER, sequence=5)
    ahead = {"issued": now + timedelta(days=1), "expires": now + timedelta(days=2)}
    answers = {
        "junk": b"{}",
        "forged": revocations(sequence=8).replace(b": 8,", b": 9,"),
        "own": revocations(signer=publisher),
        "rolled back": revocations(sequence=4),
        "future": revocations(sequence=5, **ahead),
        "equivocation": revocations(sequence=5),
    }

    assert judge(answers[answer], kept=(kept,), context=Context.RUNTIME) == "none E_REVOKED"
    assert judge(answers[answer], kept=(kept,)).startswith("none ")


@pytest.mark.parametrize("answer", ["junk", "own", "rolled back", "equivocation"])
def test_no_answer_extends_the_grace_of_a_kept_list(
    answer: str, judge: Judge, revocations: Lists, days_old: Lists, publisher: PrivateKey
) -> None:
    answers = {
        "junk": b"{}",
        "own": revocations(signer=publisher),
        "rolled back": revocations(sequence=4),
        "equivocation": revocations(sequence=5),
    }

    for context in Context:
        verdict = judge(answers[answer], kept=(days_old(sequence=5),), context=context)
        assert verdict == "none E_REVOCATION_STALE"


def test_a_newer_list_of_the_same_key_may_take_back_what_a_kept_one_revokes(
    judge: Judge, revocations: Lists, days_old: Lists
) -> None:
    assert judge(revocations(sequence=6), kept=(days_old(WEATHER, sequence=5),)) == "full"


# Two lists of one key with one number.


def test_two_different_lists_at_hand_with_one_number_are_not_believed(judge: Judge, revocations: Lists) -> None:
    for lists in permutations((revocations(), revocations(("other", "1")))):
        assert judge(*lists) == "none E_REVOCATION_STALE"
        assert judge(*lists, context=Context.RUNTIME) == "degraded W_REVOCATION_STALE"


def test_the_same_list_at_hand_twice_is_believed(judge: Judge, revocations: Lists) -> None:
    listed = revocations()

    assert judge(listed, listed.replace(b"\n", b""), kept=(listed,)) == "full"


@pytest.mark.parametrize("context", Context)
def test_of_two_kept_lists_with_one_number_either_revokes_in_any_order(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    for kept in permutations((revocations(), revocations(WEATHER))):
        assert judge(revocations(signer=publisher), kept=kept, context=context) == "none E_REVOKED"


def test_two_different_kept_lists_with_one_number_acquit_nobody(
    judge: Judge, revocations: Lists, publisher: PrivateKey
) -> None:
    for kept in permutations((revocations(), revocations(("other", "1")))):
        assert judge(revocations(signer=publisher), kept=kept) == "none E_REVOCATION_STALE"


def test_a_kept_list_that_is_older_than_the_number_that_was_seen_acquits_nobody(
    judge: Judge, revocations: Lists, publisher: PrivateKey, revoker: PrivateKey
) -> None:
    own, numbers = revocations(signer=publisher), {revoker.keyid: 10}

    assert judge(own, kept=(revocations(sequence=9),), numbers=numbers) == "none E_REVOCATION_STALE"
    assert judge(own, kept=(revocations(sequence=10),), numbers=numbers) == "full"


@pytest.mark.parametrize("context", Context)
def test_lists_of_other_publishers_do_not_stand_for_the_list_of_this_one(
    context: Context, judge: Judge, revocations: Lists, publisher: PrivateKey, stranger: PrivateKey, now: datetime
) -> None:
    ring = Keyring.of((key.public_key, KeyRole.PUBLISHER) for key in (publisher, stranger))
    revoking = revocations(WEATHER, signer=publisher, issued=now - timedelta(hours=2))
    newer = revocations(signer=stranger, sequence=9)

    for lists in permutations((revoking, newer)):
        assert judge(*lists, kept=lists, context=context, keyring=ring) == "none E_REVOKED"


def test_the_publishers_own_list_does_not_extend_the_grace_of_a_list_beside_it(
    judge: Judge, revocations: Lists, publisher: PrivateKey, days_old: Lists
) -> None:
    assert judge(days_old(), context=Context.RUNTIME) == "none E_REVOCATION_STALE"
    for lists in permutations((days_old(), revocations(signer=publisher))):
        assert judge(*lists, context=Context.RUNTIME) == "none E_REVOCATION_STALE"
