from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from haldir_core import Context, PrivateKey, RevocationEvidence, RevocationList, Verification

WEATHER = ("weather", "1.2.3")
Lists = Callable[..., bytes]
Judge = Callable[..., str]


@pytest.fixture
def judge(signed: Path, check: Callable[..., Verification], now: datetime) -> Judge:
    """Judge the signed skill by lists at hand and lists that were kept; return its trust level and first code."""

    def verdict(*current: bytes, kept: tuple[bytes, ...] = (), context: Context = Context.INSTALL) -> str:
        found = check(signed, evidence=RevocationEvidence(current=current, remembered=kept), context=context, at=now)
        codes = [error.code.value for error in found.errors] + [warned.code.value for warned in found.warnings]
        return " ".join([found.trust_level, *codes])

    return verdict


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
