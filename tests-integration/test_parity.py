"""What we write for an honest skill is what the TypeScript implementation writes, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import (
    Permissions,
    PrivateKey,
    SkillIdentity,
    Timestamp,
    VettingReport,
    read_skill,
    sign,
)

HONEST = ("valid", "mcp", "unicode", "nested-vault", "report-good", "dotdot-name")


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory, unpack: Callable[[Path], None]) -> Path:
    folder = tmp_path_factory.mktemp("parity")
    unpack(folder)
    return folder / "skills"


@pytest.mark.parametrize("name", HONEST)
def test_the_documents_of_an_honest_skill_are_equal_to_the_peers(skills: Path, peer: Path, name: str) -> None:
    theirs = {path.name: path.read_bytes() for path in (skills / name / ".vault").iterdir()}
    attestation = json.loads(theirs["attestation.json"])
    moments = iter([json.loads(theirs["integrity.json"])["generated_at"], attestation["signed_at"]])
    report = theirs.get("vetting-report.json")
    ours = sign(
        read_skill(skills / name),
        SkillIdentity(**attestation["skill"]),
        Permissions.deny_all(),
        PrivateKey.from_pem((peer / "keys" / "publisher.key").read_bytes()),
        clock=lambda: Timestamp.parse(next(moments)).moment,
        report=VettingReport.from_bytes(report) if report else None,
    )
    assert dict(ours) == theirs


def test_the_command_line_signs_the_same_manifest_and_permissions_as_the_peer(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, unpack: Callable[[Path], None]
) -> None:
    unpack(tmp_path)
    skill = tmp_path / "skills" / "valid"
    theirs = {path.name: path.read_bytes() for path in (skill / ".vault").iterdir()}
    identity = ("--name", "weather", "--skill-version", "1.2.3", "--type", "skill.md")
    assert run("sign", skill, "--key", tmp_path / "keys" / "publisher.key", *identity)[0] == 0
    files = json.loads((skill / ".vault" / "integrity.json").read_bytes())["files"]
    assert files == json.loads(theirs["integrity.json"])["files"]
    assert (skill / ".vault" / "permissions.json").read_bytes() == theirs["permissions.json"]
