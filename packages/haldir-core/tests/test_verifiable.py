"""What can be signed can be verified: a signer refuses what no reader takes."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from haldir_core import (
    Finding,
    LayerReport,
    Limits,
    Permissions,
    PrivateKey,
    Severity,
    SigningError,
    SkillIdentity,
    Status,
    TrustLevel,
    Verification,
    VettingReport,
    read_skill,
    sign,
    write_vault,
)
from haldir_core.canonical import MAX_VALUES
from haldir_core.vaultfiles import VAULT_FILES

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]
SignOrRefuse = Callable[..., bool]

SIZES = {file.name: file.max_bytes for file in VAULT_FILES}


@pytest.fixture
def sign_or_refuse(publisher: PrivateKey, skill: SkillIdentity, now: datetime, check: Check) -> SignOrRefuse:
    """Sign a folder and return whether it was signed; whatever was signed is valid, read with the same limits."""

    def attempt(
        folder: Path,
        *,
        skill: SkillIdentity = skill,
        permissions: Permissions | None = None,
        report: VettingReport | None = None,
        limits: Limits | None = None,
    ) -> bool:
        limits = limits or Limits()
        snapshot = read_skill(folder, limits=limits)
        assert snapshot.problems == ()
        granted = permissions or Permissions.deny_all()
        try:
            documents = sign(snapshot, skill, granted, publisher, clock=lambda: now, report=report)
        except SigningError:
            return False
        write_vault(folder, documents)
        assert read_skill(folder, limits=limits).problems == ()
        verdict = check(folder)
        assert (verdict.trust_level, verdict.errors) == (TrustLevel.FULL, ())
        return True

    return attempt


def _permissions(size: int) -> Permissions:
    """Return permissions that are written in ``size`` bytes."""
    empty = Permissions.from_bytes(b'{"schema_version": "1.0", "declared": {}, "note": ""}')
    note = "x" * (size - len(empty.to_bytes()))
    filled = Permissions.from_bytes(b'{"schema_version": "1.0", "declared": {}, "note": "%s"}' % note.encode())
    assert len(filled.to_bytes()) == size
    return filled


def _report(text: str, findings: int) -> VettingReport:
    finding = Finding(Severity.LOW, "code", text, context=text)
    return VettingReport(
        vetting_timestamp=VettingReport.from_bytes(_GOOD).vetting_timestamp,
        pipeline_version="1",
        layers=(LayerReport(1, "scan", Status.PASS, (finding,) * findings),),
        overall_status=Status.PASS,
    )


_GOOD = b"""{"schema_version": "1.0", "vetting_timestamp": "2026-01-31T11:00:00.000Z", "pipeline_version": "1",
"layers": [{"layer": 1, "name": "scan", "status": "pass", "findings": []}], "overall_status": "pass"}"""


def test_permissions_are_signed_up_to_their_size(make_skill: MakeSkill, sign_or_refuse: SignOrRefuse) -> None:
    folder, most = make_skill(), SIZES["permissions.json"]

    assert not sign_or_refuse(folder, permissions=_permissions(most + 1))
    assert sign_or_refuse(folder, permissions=_permissions(most))


def test_a_name_that_makes_the_attestation_too_large_is_not_signed(
    make_skill: MakeSkill, sign_or_refuse: SignOrRefuse
) -> None:
    long = SkillIdentity("a" * SIZES["attestation.json"], "1", "mcp")

    assert not sign_or_refuse(make_skill(), skill=long)


def test_a_name_of_200_000_characters_is_signed(make_skill: MakeSkill, sign_or_refuse: SignOrRefuse) -> None:
    assert sign_or_refuse(make_skill(), skill=SkillIdentity("a" * 200_000, "1", "mcp"))


def test_file_names_full_of_commas_are_signed_only_if_a_reader_takes_the_manifest(
    make_skill: MakeSkill, sign_or_refuse: SignOrRefuse
) -> None:
    folder = make_skill({})
    name = "," * 240
    (folder / name).mkdir()
    for number in range(MAX_VALUES // (2 * len(name)) + 1):
        (folder / name / f"{name}{number}").touch()

    sign_or_refuse(folder)


def test_a_report_full_of_commas_is_signed_only_if_a_reader_takes_it(
    make_skill: MakeSkill, sign_or_refuse: SignOrRefuse
) -> None:
    sign_or_refuse(make_skill(), report=_report("," * 900, MAX_VALUES // 1800 + 1))


@pytest.mark.parametrize(
    "limits",
    [Limits(all_path_bytes=len("aa,b")), Limits(path_bytes=len("a,b")), Limits(files=5), Limits(folders=1)],
    ids=["all-path-bytes", "path-bytes", "files", "folders"],
)
def test_a_skill_is_signed_only_if_it_is_within_its_limits_with_its_vault(
    limits: Limits, make_skill: MakeSkill, sign_or_refuse: SignOrRefuse
) -> None:
    sign_or_refuse(make_skill({"a/b": b""}), limits=limits)


VAULT_PATHS = sum(map(len, [".vault", *(f".vault/{file.name}" for file in VAULT_FILES if file.required)]))


@pytest.mark.parametrize(
    "limits",
    [Limits(files=5, folders=2), Limits(all_path_bytes=len("aa/b") + VAULT_PATHS)],
    ids=["files-and-folders", "all-path-bytes"],
)
def test_a_skill_that_is_exactly_at_its_limits_can_be_signed_and_signed_again(
    limits: Limits, make_skill: MakeSkill, sign_or_refuse: SignOrRefuse
) -> None:
    folder = make_skill({"a/b": b""})

    assert sign_or_refuse(folder, limits=limits)
    assert sign_or_refuse(folder, limits=limits)
