import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from haldir_core import (
    Environment,
    KeyRole,
    MalformedError,
    Permissions,
    PrivateKey,
    RevocationList,
    RevokedSkill,
    SkillIdentity,
    StoredKey,
    Timestamp,
    TrustStore,
    VettingReport,
    read_skill,
    sign,
)
from haldir_core.attestation import Attestation
from haldir_core.envelope import Envelope
from haldir_core.manifest import Manifest

SPEC = Path(__file__).parents[1] / "spec"
PEER = SPEC / "vectors" / "haldir-ts"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

READERS = {
    "signature": Envelope.from_bytes,
    "attestation": Attestation.from_bytes,
    "integrity": Manifest.from_bytes,
    "permissions": Permissions.from_bytes,
    "vetting-report": VettingReport.from_bytes,
    "revocation-list": RevocationList.from_bytes,
    "trust-store": TrustStore.from_bytes,
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SPEC / "schemas" / f"{name}.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def valid_skills() -> set[str]:
    """Return the names of the skills that verify in at least one case."""
    valid = set()
    for case in json.loads((PEER / "index.json").read_bytes())["cases"]:
        expected = case.get("haldir_expected") or case.get("spec_expected") or ""
        if case.get("ts_library", {}).get("valid") and not expected.startswith("E_"):
            valid.add(Path(case["skill"]).name)
    return valid


def vector_documents() -> Iterator[tuple[str, str, bytes]]:
    """Yield schema name, place and bytes of every document of valid skills, and of all lists and reports."""
    skills = valid_skills()
    with tarfile.open(PEER / "skills.tar.gz") as archive:
        for member in archive:
            path = Path(member.name)
            of_valid = path.parent.name == ".vault" and path.parts[1] in skills
            if member.isfile() and of_valid and path.stem in READERS:
                file = archive.extractfile(member)
                assert file is not None
                yield path.stem, member.name, file.read()
    for folder, name in (("revocation", "revocation-list"), ("reports", "vetting-report")):
        for path in sorted((PEER / folder).glob("*.json")):
            yield name, path.name, path.read_bytes()


@pytest.mark.parametrize("name", READERS)
def test_whatever_the_library_reads_from_the_vectors_fits_the_schema(name: str) -> None:
    schema = validator(name)
    for kind, place, data in vector_documents():
        if kind != name:
            continue
        try:
            READERS[name](data)
        except MalformedError:
            continue
        assert not list(schema.iter_errors(json.loads(data))), place


@pytest.fixture
def written(tmp_path: Path) -> dict[str, bytes]:
    """One document of each kind, as the library writes it."""
    (tmp_path / "SKILL.md").write_text("Say hello.\n", encoding="utf-8")
    key = PrivateKey.generate()
    report = VettingReport.from_bytes((PEER / "reports" / "good.json").read_bytes())
    documents = sign(
        read_skill(tmp_path),
        SkillIdentity("weather", "1.0.0", "skill.md"),
        Permissions.deny_all(),
        key,
        clock=lambda: NOW,
        report=report,
    )
    entry = RevokedSkill("weather", ("*",), Timestamp.at(NOW), "test", "high")
    stored = StoredKey.of(
        key.public_key, KeyRole.PUBLISHER, Environment.PRODUCTION, added_at=Timestamp.at(NOW), note="mine"
    )
    return {Path(name).stem: data for name, data in documents.items()} | {
        "revocation-list": RevocationList.create(key, NOW, entry)
        .refresh(signer=key, now=NOW + timedelta(1))
        .to_bytes(),
        "trust-store": TrustStore().add(stored).to_bytes(),
    }


@pytest.mark.parametrize("name", READERS)
def test_what_the_library_writes_fits_the_schema(name: str, written: dict[str, bytes]) -> None:
    assert not list(validator(name).iter_errors(json.loads(written[name])))


@pytest.mark.parametrize("name", READERS)
def test_a_required_member_that_is_missing_fits_neither_schema_nor_library(
    name: str, written: dict[str, bytes]
) -> None:
    schema = validator(name)
    required: list[str] = schema.schema["required"] if isinstance(schema.schema, dict) else []
    assert required
    for member in required:
        document: dict[str, Any] = json.loads(written[name])
        del document[member]
        assert list(schema.iter_errors(document)), member
        with pytest.raises(MalformedError):
            READERS[name](json.dumps(document).encode())
