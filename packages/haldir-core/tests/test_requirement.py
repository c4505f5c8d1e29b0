from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import Keyring, KeyRole, Policy, PrivateKey, Requirement, TrustError, Verification
from haldir_core.requirement import Extent


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("any", Requirement()),
        ("all", Requirement(extent=Extent.ALL)),
        ("1", Requirement(count=1)),
        ("2", Requirement(count=2)),
        ("999", Requirement(count=999)),
        ("publisher:1", Requirement(count=1, role=KeyRole.PUBLISHER)),
        ("authority:2", Requirement(count=2, role=KeyRole.AUTHORITY)),
    ],
)
def test_a_requirement_is_read(text: str, requirement: Requirement) -> None:
    assert Requirement.parse(text) == requirement


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "-1", "+1", "1.0", "1000", "some", "ANY", " any", "any ", "1\n"),
        *("publisher", "publisher:", "publisher:0", "publisher:x", "Publisher:1", ":1", "::1", "1:1", "any:1", "all:1"),
        *("revocation:1", "publisher:authority:1", "\u0662", "\u00b2", "publisher:\u0661"),
    ],
    ids=ascii,
)
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(TrustError, match="is no requirement: give any, all, a number"):
        Requirement.parse(text)


@pytest.fixture
def met(
    make_skill: Callable[..., Path], seal: Callable[..., Path], check: Callable[..., Verification]
) -> Callable[..., str]:
    """Sign a skill with some keys and return ``met``, or the message of the check that fails."""

    def judge(text: str, *signers: PrivateKey, keyring: Keyring | None = None) -> str:
        folder = seal(make_skill(), signers=signers)
        policy = Policy(requirement=Requirement.parse(text))
        verdict = check(folder, policy=policy) if keyring is None else check(folder, policy=policy, keyring=keyring)
        if verdict.valid:
            return "met"
        assert (verdict.failed_check, [error.code for error in verdict.errors]) == (13, ["E_THRESHOLD"])
        return verdict.errors[0].message

    return judge


@pytest.mark.parametrize("text", ["any", "all", "1", "publisher:1"])
def test_one_signature_meets_a_requirement_of_one(text: str, met: Callable[..., str], publisher: PrivateKey) -> None:
    assert met(text, publisher) == "met"


@pytest.mark.parametrize("text", ["any", "all", "1", "2", "publisher:1", "authority:1"])
def test_two_signatures_meet_a_requirement_of_two(
    text: str, met: Callable[..., str], publisher: PrivateKey, authority: PrivateKey
) -> None:
    assert met(text, publisher, authority) == "met"


def test_one_signature_is_not_two(met: Callable[..., str], publisher: PrivateKey) -> None:
    assert "signed by 1 trusted keys, 2 required" in met("2", publisher)


def test_a_publisher_is_no_authority(met: Callable[..., str], publisher: PrivateKey) -> None:
    assert "signed by 0 keys with the role authority, 1 required" in met("authority:1", publisher)


def test_a_stranger_does_not_count(met: Callable[..., str], publisher: PrivateKey, stranger: PrivateKey) -> None:
    assert "signed by 1 trusted keys, 2 required" in met("2", publisher, stranger)


def test_all_signatures_include_that_of_a_stranger(
    met: Callable[..., str], publisher: PrivateKey, stranger: PrivateKey
) -> None:
    assert "1 of 2 signatures are not by a trusted key" in met("all", publisher, stranger)


def test_a_revocation_key_does_not_count(met: Callable[..., str], publisher: PrivateKey, revoker: PrivateKey) -> None:
    assert "signed by 1 trusted keys, 2 required" in met("2", publisher, revoker)


def test_a_key_with_two_roles_counts_once_in_each(
    met: Callable[..., str], publisher: PrivateKey, revoker: PrivateKey
) -> None:
    keys = [(publisher.public_key, KeyRole.PUBLISHER), (publisher.public_key, KeyRole.AUTHORITY)]
    ring = Keyring.of([*keys, (revoker.public_key, KeyRole.REVOCATION)])

    assert "signed by 1 trusted keys, 2 required" in met("2", publisher, keyring=ring)


@pytest.mark.parametrize("text", ["publisher:1", "authority:1"])
def test_a_key_with_two_roles_meets_a_requirement_of_either(
    text: str, met: Callable[..., str], publisher: PrivateKey, revoker: PrivateKey
) -> None:
    keys = [(publisher.public_key, KeyRole.PUBLISHER), (publisher.public_key, KeyRole.AUTHORITY)]
    ring = Keyring.of([*keys, (revoker.public_key, KeyRole.REVOCATION)])

    assert met(text, publisher, keyring=ring) == "met"
