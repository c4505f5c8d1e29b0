import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Attestation, MalformedError, SkillIdentity, Timestamp, UnsupportedVersionError
from haldir_core.digest import sha256

STAMP = "2026-01-31T12:00:00.000Z"
DIGEST = sha256(b"")
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


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
    skill=st.builds(SkillIdentity, texts, texts, texts),
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


@pytest.mark.parametrize("part", ["name", "version", "type"])
def test_no_part_of_an_identity_is_empty(part: str) -> None:
    with pytest.raises(ValueError, match=f"{part} must not be empty"):
        SkillIdentity(**{"name": "a", "version": "b", "type": "c", part: ""})
