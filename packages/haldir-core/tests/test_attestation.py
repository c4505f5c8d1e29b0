import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import (
    Attestation,
    MalformedError,
    SkillIdentity,
    Timestamp,
    UnsupportedVersionError,
    Verification,
)
from haldir_core.digest import sha256
from haldir_core.invisible import is_invisible

STAMP = "2026-01-31T12:00:00.000Z"
DIGEST = sha256(b"")
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
visible = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="@*")
names = st.text(visible.filter(lambda char: not is_invisible(char)), min_size=1, max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)


def _members(**changes: object) -> bytes:
    members = {
        "schema_version": "1.0",
        "skill": {"name": "weather", "version": "1.0", "type": "skill.md"},
        "integrity_hash": DIGEST,
        "permissions_hash": DIGEST,
        "signed_at": STAMP,
        **changes,
    }
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@given(
    skill=st.builds(SkillIdentity, names, names, names),
    report=st.none() | st.just(DIGEST),
    critical=st.none() | st.lists(texts, max_size=3).map(tuple),
    extra=st.dictionaries(texts.map(lambda text: "x-" + text), texts, max_size=3),
)
def test_an_attestation_survives_writing_and_reading(
    skill: SkillIdentity, report: object, critical: tuple[str, ...] | None, extra: dict[str, str]
) -> None:
    attestation = Attestation(
        skill=skill,
        integrity_hash=DIGEST,
        permissions_hash=DIGEST,
        signed_at=Timestamp.parse(STAMP),
        vetting_report_hash=None if report is None else DIGEST,
        critical=critical,
        extra=extra,
    )

    assert Attestation.from_bytes(attestation.to_bytes()) == attestation


def test_members_that_version_1_does_not_name_are_kept() -> None:
    attestation = Attestation.from_bytes(_members(extra={"deep": [1]}, critical=["not _critical"], document=1))

    assert attestation.extra == {"extra": {"deep": [1]}, "critical": ["not _critical"], "document": 1}
    assert attestation.critical is None
    assert json.loads(attestation.to_bytes())["extra"] == {"deep": [1]}


def test_members_of_the_skill_that_version_1_does_not_name_are_left_out() -> None:
    skill = {"name": "a", "version": "b", "type": "c", "extra": "d"}

    assert Attestation.from_bytes(_members(skill=skill)).to_json()["skill"] == {
        "name": "a",
        "version": "b",
        "type": "c",
    }


def test_the_text_of_a_time_is_kept() -> None:
    attestation = Attestation.from_bytes(_members(signed_at="2026-01-31T12:00Z"))

    assert attestation.to_json()["signed_at"] == "2026-01-31T12:00Z"


def test_critical_members_are_read() -> None:
    assert Attestation.from_bytes(_members(_critical=["a", "b"])).critical == ("a", "b")
    assert Attestation.from_bytes(_members(_critical=[])).critical == ()


@pytest.mark.parametrize("version", ["0.9", "2.0"])
def test_another_version_is_refused_as_such(version: str) -> None:
    with pytest.raises(UnsupportedVersionError):
        Attestation.from_bytes(_members(schema_version=version))


@pytest.mark.parametrize(
    "changes",
    [
        {"skill": ...},
        {"skill": None},
        {"skill": "weather"},
        {"skill": ["weather", "1.0", "skill.md"]},
        {"skill": {"name": "weather", "version": "1.0"}},
        {"skill": {"name": "", "version": "1.0", "type": "skill.md"}},
        {"skill": {"name": " weather", "version": "1.0", "type": "skill.md"}},
        {"skill": {"name": "we\0ather", "version": "1.0", "type": "skill.md"}},
        {"skill": {"name": "weather", "version": "1.*", "type": "skill.md"}},
        {"skill": {"name": "weather", "version": "1.0", "type": "skill.md\n"}},
        {"skill": {"name": "weather", "version": 1, "type": "skill.md"}},
        {"skill": {"name": "weather", "version": "1.0", "type": None}},
        {"integrity_hash": ...},
        {"integrity_hash": None},
        {"integrity_hash": DIGEST[7:]},
        {"permissions_hash": ...},
        {"permissions_hash": [DIGEST]},
        {"vetting_report_hash": None},
        {"vetting_report_hash": ""},
        {"signed_at": ...},
        {"signed_at": 0},
        {"signed_at": "2026-02-30T00:00:00Z"},
        {"_critical": None},
        {"_critical": "abc"},
        {"_critical": [1]},
        {"_critical": [None]},
        {"_critical": {"a": 1}},
    ],
    ids=ascii,
)
def test_what_is_no_attestation_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^attestation\.json: "):
        Attestation.from_bytes(_members(**changes))


def test_an_error_names_the_place() -> None:
    with pytest.raises(MalformedError, match=r"'signed_at' is missing"):
        Attestation.from_bytes(_members(signed_at=...))


PARTS = ["name", "version", "type"]


def _identity(**changes: str) -> SkillIdentity:
    return SkillIdentity(**{"name": "a", "version": "b", "type": "c", **changes})


@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_an_identity_is_empty(part: str) -> None:
    with pytest.raises(ValueError, match=f"{part} must not be empty"):
        _identity(**{part: ""})


@pytest.mark.parametrize("text", [" a", "a ", " ", "\u3000a", "a\t", "\na"], ids=ascii)
@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_an_identity_begins_or_ends_with_a_blank(part: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{part} must not begin or end with a blank"):
        _identity(**{part: text})


HIDDEN = {
    "nul": "\0",
    "newline": "\n",
    "escape": "\x1b",
    "delete": "\x7f",
    "c1": "\x9b",
    "no-break-space": "\xa0",
    "soft-hyphen": "\xad",
    "grapheme-joiner": "\u034f",
    "hangul-filler": "\u115f",
    "zero-width-space": "\u200b",
    "right-to-left-override": "\u202e",
    "line-separator": "\u2028",
    "blank-braille": "\u2800",
    "ideographic-space": "\u3000",
    "wide-hangul-filler": "\u3164",
    "half-a-pair": "\ud800",
    "bytes-of-argv": "\udcff",
    "private": "\ue000",
    "variation-selector": "\ufe0f",
    "half-hangul-filler": "\uffa0",
    "noncharacter": "\uffff",
    "another-noncharacter": "\ufdd0",
    "last-character": "\U0010ffff",
    "tag": "\U000e0041",
    "further-selector": "\U000e0100",
    "not-nfc": "e\u0301",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_an_identity_holds_what_a_reader_cannot_see(part: str, hidden: str) -> None:
    with pytest.raises(ValueError, match=f"{part} must be in normal form C, without control or invisible"):
        _identity(**{part: f"a{hidden}z"})


@pytest.mark.parametrize("text", ["\u0378", "\U0002fffd", "\U000323b0"], ids=ascii)
@pytest.mark.parametrize("part", PARTS)
def test_a_character_that_a_later_unicode_may_assign_does_not_spoil_an_identity(part: str, text: str) -> None:
    assert _identity(**{part: text}) != _identity()


@pytest.mark.parametrize(
    ("part", "text"),
    [("name", "*"), ("name", "wea*"), ("version", "*"), ("version", "1.*"), ("version", "1@2"), ("version", "@")],
)
def test_what_has_a_meaning_in_revocations_is_in_no_name_and_no_version(part: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{part} must not hold"):
        _identity(**{part: text})


@pytest.mark.parametrize(
    "text", ["a b", "@scope/a", "gr\u00fcn", "\u540d\u524d", "\u05d0", "\U0001f600", "\"'`$(x)\\"], ids=ascii
)
def test_what_a_person_can_read_and_type_is_a_name_and_a_type(text: str) -> None:
    assert _identity(name=text, type=text).name == text


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "wea*"},
        {"name": "t\u200bool"},
        {"name": "evil\0tool"},
        {"version": "1@2"},
        {"version": "1 "},
        {"type": ""},
    ],
    ids=ascii,
)
def test_a_signed_skill_that_no_revocation_could_name_is_not_valid(
    changes: dict[str, str],
    make_skill: Callable[..., Path],
    seal: Callable[..., Path],
    check: Callable[..., Verification],
) -> None:
    folder = seal(make_skill(), skill={"name": "weather", "version": "1.2.3", "type": "skill.md"} | changes)

    assert [problem.code for problem in check(folder).errors] == ["E_INVALID_ATTESTATION"]
