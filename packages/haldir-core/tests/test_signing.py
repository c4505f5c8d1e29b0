import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from haldir_core import (
    ErrorCode,
    Keyring,
    KeyRole,
    Limits,
    MalformedError,
    Permissions,
    PrivateKey,
    SigningError,
    SkillIdentity,
    TrustLevel,
    UnsafeSkillError,
    Verification,
    VettingReport,
    cosign,
    read_skill,
    sign,
    write_vault,
)
from haldir_core.digest import sha256

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]


@pytest.fixture
def signed_documents(publisher: PrivateKey, skill: SkillIdentity, now: datetime) -> Callable[..., dict[str, bytes]]:
    """Sign a folder and return the documents."""

    def make(folder: Path, *, skill: SkillIdentity = skill, report: VettingReport | None = None) -> dict[str, bytes]:
        documents = sign(read_skill(folder), skill, Permissions.deny_all(), publisher, clock=lambda: now, report=report)
        return dict(documents)

    return make


def test_a_signed_skill_is_valid(signed: Path, check: Check, publisher: PrivateKey, skill: SkillIdentity) -> None:
    verdict = check(signed)

    assert (verdict.trust_level, verdict.key_id) == (TrustLevel.FULL, publisher.keyid)
    assert verdict.attestation is not None
    assert verdict.attestation.skill == skill
    assert verdict.permissions == Permissions.deny_all()


def test_the_documents_come_in_the_order_in_which_they_are_written(
    make_skill: MakeSkill, signed_documents: Callable[..., dict[str, bytes]], report: VettingReport
) -> None:
    assert list(signed_documents(make_skill(), report=report)) == [
        *("integrity.json", "attestation.json", "permissions.json", "vetting-report.json", "signature.json")
    ]


def test_signing_twice_gives_the_same_bytes(
    make_skill: MakeSkill, signed_documents: Callable[..., dict[str, bytes]]
) -> None:
    folder = make_skill()

    assert signed_documents(folder) == signed_documents(folder)


def test_an_empty_skill_can_be_signed(make_skill: MakeSkill, sign_folder: Callable[..., Path], check: Check) -> None:
    assert check(sign_folder(make_skill({}))).trust_level is TrustLevel.FULL


def test_the_clock_is_read_for_the_manifest_and_then_for_the_attestation(
    make_skill: MakeSkill, skill: SkillIdentity, publisher: PrivateKey, now: datetime
) -> None:
    times = iter([now, now + timedelta(seconds=1)])
    documents = sign(read_skill(make_skill()), skill, Permissions.deny_all(), publisher, clock=lambda: next(times))

    assert json.loads(documents["integrity.json"])["generated_at"] == "2026-01-31T12:00:00.000Z"
    assert json.loads(documents["attestation.json"])["signed_at"] == "2026-01-31T12:00:01.000Z"
    assert list(times) == []


def test_the_attestation_binds_every_other_document(
    make_skill: MakeSkill, signed_documents: Callable[..., dict[str, bytes]], report: VettingReport
) -> None:
    documents = signed_documents(make_skill(), report=report)
    attestation = json.loads(documents["attestation.json"])

    assert attestation["integrity_hash"] == sha256(documents["integrity.json"])
    assert attestation["permissions_hash"] == Permissions.from_bytes(documents["permissions.json"]).digest()
    assert attestation["vetting_report_hash"] == sha256(documents["vetting-report.json"])


def test_declared_permissions_are_signed(make_skill: MakeSkill, sign_folder: Callable[..., Path], check: Check) -> None:
    permissions = Permissions.from_bytes(b'{"schema_version": "1.0", "declared": {"exec": ["git"]}, "x": 1.5}')

    assert check(sign_folder(make_skill(), permissions=permissions)).permissions == permissions


def test_a_skill_with_problems_is_not_signed(
    make_skill: MakeSkill, signed_documents: Callable[..., dict[str, bytes]]
) -> None:
    folder = make_skill()
    (folder / "link").symlink_to("SKILL.md")

    with pytest.raises(UnsafeSkillError, match="Symbolic link detected: link"):
        signed_documents(folder)


def test_a_name_with_a_backslash_is_not_signed(
    make_skill: MakeSkill, signed_documents: Callable[..., dict[str, bytes]]
) -> None:
    with pytest.raises(SigningError, match="has a backslash"):
        signed_documents(make_skill({"scripts\\run.py": b""}))


def test_a_manifest_that_no_reader_takes_is_not_signed(
    make_skill: MakeSkill, skill: SkillIdentity, publisher: PrivateKey, now: datetime
) -> None:
    snapshot = read_skill(make_skill())
    files = {f"{number:04}/" + "x" * 900: sha256(b"") for number in range(9000)}

    with pytest.raises(SigningError, match=r"would have [0-9]{7} bytes, 8388608 are allowed"):
        sign(attrs.evolve(snapshot, files=files), skill, Permissions.deny_all(), publisher, clock=lambda: now)


def test_permissions_without_canonical_form_are_not_signed(
    make_skill: MakeSkill, skill: SkillIdentity, publisher: PrivateKey, now: datetime
) -> None:
    permissions = attrs.evolve(Permissions.deny_all(), document={"x": float("inf")})

    with pytest.raises(MalformedError, match="no canonical JSON form"):
        sign(read_skill(make_skill()), skill, permissions, publisher, clock=lambda: now)


@pytest.mark.parametrize("name", ["weather", "@scope/weather", "gr\u00fcn", "\U0001f600", "a b", "a@b", '"'], ids=ascii)
def test_any_name_that_an_identity_takes_can_be_signed(
    name: str, make_skill: MakeSkill, sign_folder: Callable[..., Path], check: Check
) -> None:
    attestation = check(sign_folder(make_skill(), skill=SkillIdentity(name, "1", "mcp"))).attestation

    assert attestation is not None
    assert attestation.skill.name == name


def test_signing_again_replaces_every_document(
    make_skill: MakeSkill, sign_folder: Callable[..., Path], report: VettingReport, check: Check
) -> None:
    folder = sign_folder(make_skill(), report=report)
    (folder / ".vault/sigstore-bundle.json").write_text("{}")
    (folder / "SKILL.md").write_text("changed")

    sign_folder(folder)

    assert sorted(path.name for path in (folder / ".vault").iterdir()) == [
        *("attestation.json", "integrity.json", "permissions.json", "signature.json")
    ]
    assert check(folder).trust_level is TrustLevel.FULL


@pytest.mark.parametrize("path", ["unknown", "folder/", "folder/secret.yml", "signature.json~", "link"])
def test_what_is_in_the_vault_and_not_of_the_format_is_not_lost_by_signing(
    path: str, signed: Path, sign_folder: Callable[..., Path]
) -> None:
    place = signed / ".vault" / path
    if path == "link":
        place.symlink_to("signature.json")
    elif path.endswith("/"):
        place.mkdir()
    else:
        place.parent.mkdir(exist_ok=True)
        place.write_text("mine")
    before = sorted((signed / ".vault").rglob("*"))
    named = path.partition("/")[0]

    with pytest.raises((SigningError, UnsafeSkillError), match=re.escape(f".vault/{named}")):
        sign_folder(signed)

    assert sorted((signed / ".vault").rglob("*")) == before


# Co-signing.


@pytest.fixture
def cosigned(authority: PrivateKey, ring: Keyring, now: datetime) -> Callable[..., Path]:
    """Let the authority co-sign a folder."""

    def sign_it(folder: Path, *, signer: PrivateKey = authority, trusted: Keyring = ring) -> Path:
        write_vault(folder, cosign(read_skill(folder), signer, trusted, now=now))
        return folder

    return sign_it


def test_a_cosigned_skill_has_both_signatures(
    signed: Path, cosigned: Callable[..., Path], check: Check, publisher: PrivateKey, authority: PrivateKey
) -> None:
    assert check(cosigned(signed)).signers == (publisher.keyid, authority.keyid)


def test_cosigning_changes_the_envelope_only(
    make_skill: MakeSkill,
    sign_folder: Callable[..., Path],
    cosigned: Callable[..., Path],
    report: VettingReport,
    document: Callable[[Path, str], Any],
) -> None:
    folder = sign_folder(make_skill(), report=report)
    before = {path.name: path.read_bytes() for path in (folder / ".vault").iterdir()}
    envelope = document(folder, "signature.json")

    cosigned(folder)

    after = {path.name: path.read_bytes() for path in (folder / ".vault").iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"signature.json"}
    assert set(after) == set(before)
    assert document(folder, "signature.json")["payload"] == envelope["payload"]
    assert document(folder, "signature.json")["signatures"][:1] == envelope["signatures"]


def test_a_changed_skill_is_not_cosigned(signed: Path, cosigned: Callable[..., Path]) -> None:
    (signed / "SKILL.md").write_text("changed")

    with pytest.raises(SigningError, match=r"cannot co-sign: SKILL\.md was changed .* \(E_INTEGRITY_MISMATCH\)"):
        cosigned(signed)


def test_a_skill_with_an_added_file_is_not_cosigned(signed: Path, cosigned: Callable[..., Path]) -> None:
    (signed / "added").touch()

    with pytest.raises(SigningError, match=r"added was added after signing \(E_EXTRA_FILES\)"):
        cosigned(signed)


def test_a_skill_with_problems_is_not_cosigned(signed: Path, cosigned: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "other name").hardlink_to(signed / "SKILL.md")

    with pytest.raises(SigningError, match="E_HARDLINK"):
        cosigned(signed)


def test_a_skill_that_nobody_signed_is_not_cosigned(make_skill: MakeSkill, cosigned: Callable[..., Path]) -> None:
    with pytest.raises(SigningError, match="E_NO_ENVELOPE"):
        cosigned(make_skill())


def test_a_skill_of_a_stranger_is_not_cosigned(
    make_skill: MakeSkill, sign_folder: Callable[..., Path], cosigned: Callable[..., Path], stranger: PrivateKey
) -> None:
    with pytest.raises(SigningError, match="E_UNKNOWN_KEY"):
        cosigned(sign_folder(make_skill(), signer=stranger))


def test_a_skill_signed_by_a_revocation_key_only_is_not_cosigned(
    make_skill: MakeSkill, sign_folder: Callable[..., Path], cosigned: Callable[..., Path], revoker: PrivateKey
) -> None:
    with pytest.raises(SigningError, match="E_UNKNOWN_KEY"):
        cosigned(sign_folder(make_skill(), signer=revoker))


def test_nobody_cosigns_twice(signed: Path, cosigned: Callable[..., Path], publisher: PrivateKey) -> None:
    with pytest.raises(SigningError, match=f"key {publisher.keyid} has already signed"):
        cosigned(signed, signer=publisher)


def test_a_stranger_may_cosign_what_a_trusted_key_signed(
    signed: Path, cosigned: Callable[..., Path], stranger: PrivateKey, check: Check, publisher: PrivateKey
) -> None:
    verdict = check(cosigned(signed, signer=stranger))

    assert (verdict.trust_level, verdict.signers) == (TrustLevel.FULL, (publisher.keyid,))


def test_a_revoked_skill_can_be_cosigned_because_lists_are_not_asked(
    signed: Path, cosigned: Callable[..., Path], publisher: PrivateKey
) -> None:
    cosigned(signed, trusted=Keyring.of([(publisher.public_key, KeyRole.PUBLISHER)]))


def test_a_skill_with_critical_members_is_not_cosigned(
    make_skill: MakeSkill, seal: Callable[..., Path], cosigned: Callable[..., Path]
) -> None:
    with pytest.raises(SigningError, match=ErrorCode.UNKNOWN_CRITICAL):
        cosigned(seal(make_skill(), _critical=["x"]))


# What nobody could verify is not signed.


def _within(folder: Path, limits: Limits) -> Callable[[PrivateKey, SkillIdentity, datetime], object]:
    snapshot = read_skill(folder, limits=limits)
    return lambda signer, skill, now: sign(snapshot, skill, Permissions.deny_all(), signer, clock=lambda: now)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(files=6), "more than 6 files"),
        (Limits(folders=2), "more than 2 folders"),
        (Limits(total_bytes=500), "more than 500 bytes"),
    ],
    ids=["files", "folders", "bytes"],
)
def test_a_skill_that_its_vault_would_make_too_large_is_not_signed(
    limits: Limits, reason: str, make_skill: MakeSkill, publisher: PrivateKey, skill: SkillIdentity, now: datetime
) -> None:
    with pytest.raises(SigningError, match=rf"with its \.vault the skill would have {reason}"):
        _within(make_skill(), limits)(publisher, skill, now)


def test_a_skill_that_is_exactly_as_large_as_it_may_be_is_signed_and_valid(
    make_skill: MakeSkill,
    publisher: PrivateKey,
    skill: SkillIdentity,
    now: datetime,
) -> None:
    folder = make_skill()
    limits = Limits(files=7, folders=3)
    snapshot = read_skill(folder, limits=limits)
    write_vault(folder, sign(snapshot, skill, Permissions.deny_all(), publisher, clock=lambda: now))

    assert read_skill(folder, limits=limits).problems == ()


def test_signing_again_at_the_limit_counts_the_vault_once(
    signed: Path, publisher: PrivateKey, skill: SkillIdentity, now: datetime
) -> None:
    _within(signed, Limits(files=7, folders=3))(publisher, skill, now)


def test_a_cosignature_that_would_make_the_envelope_too_large_is_refused(
    signed: Path, ring: Keyring, authority: PrivateKey, now: datetime
) -> None:
    limits = Limits(
        total_bytes=read_skill(signed).total_bytes + sum(map(len, (read_skill(signed).vault or {}).values()))
    )

    with pytest.raises(SigningError, match=r"with its \.vault the skill would have more than"):
        cosign(read_skill(signed, limits=limits), authority, ring, now=now)
