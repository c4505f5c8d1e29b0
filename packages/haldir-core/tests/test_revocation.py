import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import (
    Context,
    MalformedError,
    PrivateKey,
    RevocationError,
    RevocationEvidence,
    RevocationList,
    RevokedSkill,
    SkillIdentity,
    Timestamp,
    UnsupportedVersionError,
    Verification,
)
from haldir_core.canonical import canonical_bytes
from haldir_core.encoding import encode_base64url

KEY = PrivateKey.from_seed(b"k" * 32)
OTHER = PrivateKey.from_seed(b"o" * 32)
STAMP = Timestamp.parse("2026-01-31T12:00:00.000Z")
NOW = STAMP.moment
ENTRY: dict[str, Any] = {
    "name": "weather",
    "versions": ["1.0"],
    "revoked_at": STAMP.text,
    "reason": "",
    "severity": "high",
}


def _revoked(name: str = "weather", *versions: str) -> RevokedSkill:
    return RevokedSkill(name, versions or ("1.0",), STAMP, "found bad", "high")


def _skill(name: str = "weather", version: str = "1.0") -> SkillIdentity:
    return SkillIdentity(name, version, "skill.md")


def _members(**changes: object) -> bytes:
    members = json.loads(RevocationList.create(KEY, NOW).to_bytes()) | changes
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def test_a_new_list_is_empty_and_signed() -> None:
    new = RevocationList.create(KEY, NOW)

    assert (new.sequence_number, new.entries, new.is_signed_by(KEY.public_key)) == (1, (), True)


def test_a_new_list_may_have_entries() -> None:
    new = RevocationList.create(KEY, NOW, _revoked(), _revoked("other"))

    assert new.entries == (_revoked(), _revoked("other"))
    assert new.is_signed_by(KEY.public_key)


def test_a_list_is_current_for_24_hours_and_names_its_next_update() -> None:
    new = RevocationList.create(KEY, NOW)

    assert new.issued_at.moment == NOW
    assert new.expires_at.moment == NOW + timedelta(hours=24)
    assert new.next_update.moment == NOW + timedelta(minutes=30)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9), max_size=4))
def test_a_list_survives_writing_and_reading(names: list[str]) -> None:
    new = RevocationList.create(KEY, NOW, *map(_revoked, names))
    read = RevocationList.from_bytes(new.to_bytes())

    assert read == new
    assert read.is_signed_by(KEY.public_key)
    assert read.to_bytes() == new.to_bytes()


def test_revoking_makes_the_next_list() -> None:
    later = NOW + timedelta(hours=1)
    old = RevocationList.create(KEY, NOW)

    new = old.revoke(_revoked(), signer=KEY, now=later)

    assert (new.sequence_number, new.issued_at.moment) == (2, later)
    assert new.revokes(_skill())
    assert new.is_signed_by(KEY.public_key)
    assert not old.revokes(_skill())


def test_revoking_again_changes_no_entry_and_re_dates_the_list() -> None:
    old = RevocationList.create(KEY, NOW, _revoked())

    new = old.revoke(RevokedSkill("weather", ("1.0",), STAMP, "another reason", "low"), signer=KEY, now=NOW)

    assert (new.sequence_number, new.entries) == (2, old.entries)


def test_revoking_a_further_version_adds_an_entry() -> None:
    new = RevocationList.create(KEY, NOW, _revoked()).revoke(_revoked("weather", "1.0", "2.0"), signer=KEY, now=NOW)

    assert new.entries == (_revoked(), _revoked("weather", "1.0", "2.0"))
    assert new.revokes(_skill(version="2.0"))


def test_a_refreshed_list_has_the_same_entries_and_a_new_date() -> None:
    old = RevocationList.create(KEY, NOW, _revoked())

    new = old.refresh(signer=KEY, now=NOW + timedelta(days=2))

    assert (new.sequence_number, new.entries) == (2, old.entries)
    assert new.expires_at.moment == NOW + timedelta(days=3)


def test_members_that_version_1_does_not_name_stay_and_are_signed() -> None:
    old = RevocationList.create(KEY, NOW)
    document = {name: value for name, value in old.document.items() if name != "signature"}
    document |= {"note": {"x": [1]}, "document": 1, "entries": [ENTRY | {"cve": "CVE-1"}]}
    signature = {"keyid": KEY.keyid, "sig": _sign(canonical_bytes(document))}

    new = RevocationList.from_bytes(json.dumps(document | {"signature": signature}).encode())
    next_one = new.refresh(signer=KEY, now=NOW)

    assert new.is_signed_by(KEY.public_key)
    assert json.loads(next_one.to_bytes())["note"] == {"x": [1]}
    assert json.loads(next_one.to_bytes())["entries"] == [ENTRY | {"cve": "CVE-1"}]


def _sign(message: bytes) -> str:
    return encode_base64url(KEY.sign(message))


Extend = Callable[[RevocationList, PrivateKey], RevocationList]
EXTENSIONS: list[Extend] = [
    lambda listed, signer: listed.revoke(_revoked("x"), signer=signer, now=NOW),
    lambda listed, signer: listed.refresh(signer=signer, now=NOW),
]


@pytest.mark.parametrize("extend", EXTENSIONS, ids=["revoke", "refresh"])
def test_another_key_does_not_extend_a_list(extend: Extend) -> None:
    with pytest.raises(RevocationError, match=f"not signed by {OTHER.keyid} .*names {KEY.keyid}"):
        extend(RevocationList.create(KEY, NOW), OTHER)


@pytest.mark.parametrize("extend", EXTENSIONS, ids=["revoke", "refresh"])
@pytest.mark.parametrize(
    "changes",
    [
        {"entries": [ENTRY]},
        {"sequence_number": 7},
        {"added": 1},
        {"next_update": "2026-01-31T12:00:00.000Z"},
        {"signature": {"keyid": OTHER.keyid, "sig": "AAAA"}},
        {"signature": {"keyid": KEY.keyid, "sig": "not base64"}},
        {"signature": {"keyid": KEY.keyid, "sig": "AAAA"}},
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_list_that_was_changed_is_not_extended(extend: Extend, changes: dict[str, object]) -> None:
    with pytest.raises(RevocationError, match="extend it with the key that signed it"):
        extend(RevocationList.from_bytes(_members(**changes)), KEY)


def test_the_largest_sequence_number_has_no_successor(revocations: Callable[..., bytes]) -> None:
    last = RevocationList.from_bytes(revocations(signer=KEY, sequence=2**53 - 1))

    with pytest.raises(RevocationError, match="used up"):
        last.refresh(signer=KEY, now=NOW)


def test_the_second_largest_sequence_number_has_one(revocations: Callable[..., bytes]) -> None:
    listed = RevocationList.from_bytes(revocations(signer=KEY, sequence=2**53 - 2))

    assert listed.refresh(signer=KEY, now=NOW).sequence_number == 2**53 - 1


@pytest.mark.parametrize(
    ("name", "version", "revoked"),
    [
        ("weather", "1.0", True),
        ("weather", "2.0", True),
        ("weather", "1.0.0", False),
        ("weather", "1", False),
        ("Weather", "1.0", False),
        ("weath\u0435r", "1.0", False),
        ("every", "1.0", True),
        ("@scope/x", "1.0", True),
        ("every", "anything", True),
        ("every2", "1.0", False),
    ],
)
def test_names_and_versions_are_compared_exactly(name: str, version: str, *, revoked: bool) -> None:
    entries = (_revoked("weather", "1.0", "2.0"), _revoked("every", "0.1", "*"), _revoked("@scope/x"))

    assert RevocationList.create(KEY, NOW, *entries).revokes(_skill(name, version)) == revoked


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("*", "*"),
        ("*", "1.0"),
        ("weather", "1.*"),
        ("weather", "1.0 "),
        ("weather ", "*"),
        ("wea*", "*"),
        ("weath\u200ber", "*"),
        ("weather\0", "1.0"),
        ("weather@1.0", "*"),
        ("", "*"),
        ("weather", ""),
    ],
    ids=ascii,
)
def test_an_entry_that_no_skill_can_have_stays_in_the_list_and_revokes_nothing(name: str, version: str) -> None:
    listed = RevocationList.create(KEY, NOW, _revoked(name, version)).refresh(signer=KEY, now=NOW)

    assert listed.entries == (_revoked(name, version),)
    assert not listed.revokes(_skill())


def test_a_list_is_signed_by_the_key_that_it_names_only() -> None:
    members = json.loads(_members())
    members["signature"]["keyid"] = OTHER.keyid
    renamed = RevocationList.from_bytes(json.dumps(members).encode())

    assert not renamed.is_signed_by(KEY.public_key)
    assert not renamed.is_signed_by(OTHER.public_key)


def test_white_space_and_order_do_not_matter_to_the_signature() -> None:
    members = json.loads(_members())

    shuffled = json.dumps(dict(reversed(members.items())), indent=1).encode()

    assert RevocationList.from_bytes(shuffled).is_signed_by(KEY.public_key)


def test_a_list_is_written_as_the_bytes_that_were_read() -> None:
    for data in (_members(), _members(x="\u00e9"), b" " + _members().replace(b",", b" ,\r\n") + b"\t"):
        assert RevocationList.from_bytes(data).to_bytes() == data


def test_no_key_signed_a_list_without_canonical_form() -> None:
    listed = RevocationList.from_bytes(_members())
    spoilt = attrs.evolve(listed, document={**listed.document, "x": float("nan")})

    with pytest.raises(MalformedError, match="no canonical JSON form"):
        spoilt.signed_bytes()
    assert not spoilt.is_signed_by(KEY.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence_number": ...},
        {"sequence_number": 0},
        {"sequence_number": -1},
        {"sequence_number": 2**53 - 1 + 0.5},
        {"sequence_number": 1.5},
        {"sequence_number": "1"},
        {"sequence_number": True},
        {"sequence_number": None},
        {"issued_at": ...},
        {"issued_at": "now"},
        {"expires_at": ...},
        {"expires_at": 0},
        {"next_update": ...},
        {"next_update": None},
        {"entries": ...},
        {"entries": None},
        {"entries": {}},
        {"entries": "weather"},
        {"entries": [None]},
        {"entries": [ENTRY | {"name": None}]},
        {"entries": [ENTRY | {"versions": []}]},
        {"entries": [ENTRY | {"versions": "*"}]},
        {"entries": [ENTRY | {"versions": [1]}]},
        {"entries": [ENTRY | {"severity": ""}]},
        {"entries": [ENTRY | {"revoked_at": ""}]},
        {"entries": [{"name": "weather", "versions": ["1.0"]}]},
        {"signature": ...},
        {"signature": "sig"},
        {"signature": {"keyid": "k"}},
        {"signature": {"keyid": "", "sig": "AAAA"}},
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_no_list_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^revocation list: "):
        RevocationList.from_bytes(_members(**changes))


def test_another_version_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedVersionError):
        RevocationList.from_bytes(_members(schema_version="1.1"))


def test_a_revoked_skill_has_a_version() -> None:
    with pytest.raises(ValueError, match="versions"):
        RevokedSkill("weather", (), STAMP, "", "high")


def test_a_reason_that_cannot_be_signed_is_an_error() -> None:
    with pytest.raises(MalformedError, match="no canonical JSON form"):
        RevocationList.create(KEY, NOW, RevokedSkill("weather", ("1.0",), STAMP, "\udcff", "high"))


def test_the_end_of_time_is_no_error(now: datetime) -> None:
    last = RevocationList.create(KEY, datetime.max.replace(tzinfo=now.tzinfo))

    assert last.is_signed_by(KEY.public_key)


# What a caller keeps.


@pytest.mark.parametrize("context", Context)
@pytest.mark.parametrize("entries", [[], [("weather", "1.2.3")]], ids=["good", "revoked"])
def test_a_current_list_is_given_back_to_be_kept(
    entries: list[tuple[str, str]],
    context: Context,
    signed: Path,
    check: Callable[..., Verification],
    revocations: Callable[..., bytes],
) -> None:
    listed = revocations(*entries)

    verdict = check(signed, evidence=RevocationEvidence(current=listed), context=context)

    assert verdict.revocation_list == RevocationList.from_bytes(listed)


@pytest.mark.parametrize("context", Context)
def test_a_list_that_does_not_serve_is_not_given_back(
    context: Context, signed: Path, check: Callable[..., Verification], revocations: Callable[..., bytes], now: datetime
) -> None:
    old = revocations(issued=now - timedelta(days=2), expires=now - timedelta(hours=1))
    rolled_back = RevocationEvidence(current=revocations(), remembered=(revocations(sequence=2),))

    for evidence in (RevocationEvidence(current=old), RevocationEvidence(current=b"junk"), rolled_back):
        assert check(signed, evidence=evidence, context=context).revocation_list is None
