import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from haldir_core import (
    Permissions,
    SigningError,
    SkillIdentity,
    UnsafeSkillError,
    read_skill,
    sign,
    write_vault,
)
from haldir_core.digest import sha256
from haldir_core.errors import MalformedError
from haldir_core.keys import PrivateKey as Ed25519Key
from haldir_core.schemapin import (
    Claims,
    Evidence,
    FolderVault,
    Form,
    PrivateKey,
    ScanResult,
    SignatureFile,
    SignedSchema,
    Tool,
    Verification,
    portability_of,
    read_folder,
    sign_schema,
    sign_schema_file,
    sign_skill,
    verify_schema,
    verify_skill,
    write_signature_file,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = PrivateKey.generate(lambda count: b"\7" * count)
TOOL = Tool.of("tools.example", "weather")
SCHEMA: dict[str, Any] = {"name": "weather", "description": "Get the weather", "parameters": {"city": "string"}}
SCAN = ScanResult(passed=True, scanner_version="haldir-scanner 0.1.0", ruleset_hash=sha256(b"rules"))
FULL = Claims(
    tool=TOOL,
    expires_at=NOW + timedelta(days=30),
    schema_version="1.2.0",
    previous_hash=sha256(b"before"),
    scan=SCAN,
    canonicalization="schemapin-v1",
)
EVIDENCE = Evidence(
    discovery=json.dumps({"schema_version": "1.4", "public_key_pem": KEY.public_key.to_pem().decode()}).encode()
)


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_bytes(b"---\nname: Weather\n---\n")
    (folder / "scripts" / "run.py").write_bytes(b"print('rain')\n")
    return folder


def _sign(skill: Path, claims: Claims = FULL, key: PrivateKey = KEY) -> dict[str, Any]:
    data = sign_skill(read_folder(skill), claims, key, now=NOW)
    write_signature_file(skill, data)
    document: dict[str, Any] = json.loads(data)
    return document


def _verify(skill: Path, **options: Any) -> Verification:  # noqa: ANN401 - passed on
    return verify_skill(read_folder(skill), TOOL, EVIDENCE, **({"now": NOW} | options))


def test_a_skill_that_was_signed_verifies_with_all_its_metadata(skill: Path) -> None:
    _sign(skill)
    result = _verify(skill)

    assert (result.valid, result.error_message, result.warnings) == (True, None, ())
    assert result.metadata_authenticated
    assert result.metadata.name == "Weather"
    assert result.metadata.scan == SCAN
    assert result.metadata.previous_hash == sha256(b"before")
    assert result.metadata.signed_at is not None
    assert result.metadata.signed_at.text == "2026-01-31T12:00:00Z"
    assert result.skill_hash == f"sha256:{read_folder(skill).root_v1().hex()}"


def test_the_file_has_the_members_of_the_sdk_in_its_order_and_ours_at_the_end(skill: Path) -> None:
    document = _sign(skill)

    assert list(document) == [
        "schemapin_version",
        "skill_name",
        "skill_hash",
        "signature",
        "signed_at",
        "domain",
        "signer_kid",
        "file_manifest",
        "expires_at",
        "schema_version",
        "previous_hash",
        "canonicalization",
        "statement",
        "signatures",
    ]
    assert document["schemapin_version"] == "1.4"
    assert document["signer_kid"] == KEY.public_key.fingerprint


def test_a_file_without_the_members_of_1_4_declares_1_3(skill: Path) -> None:
    document = _sign(skill, Claims(tool=TOOL, form=Form.LEGACY))

    assert document["schemapin_version"] == "1.3"
    assert list(document)[-1] == "file_manifest"
    assert _verify(skill).valid
    assert not _verify(skill).metadata_authenticated


@pytest.mark.parametrize(
    "claims",
    [
        {"expires_at": NOW + timedelta(days=1)},
        {"schema_version": "1"},
        {"previous_hash": sha256(b"x")},
        {"canonicalization": "schemapin-v1"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_each_member_of_1_4_makes_a_file_of_1_4(claims: dict[str, Any], skill: Path) -> None:
    assert _sign(skill, Claims(tool=TOOL, **claims))["schemapin_version"] == "1.4"


def test_a_legacy_file_is_written_as_the_sdk_writes_it(skill: Path) -> None:
    (skill / "caf\u00e9.md").write_bytes(b"")
    data = sign_skill(read_folder(skill), Claims(tool=TOOL, form=Form.LEGACY), KEY, now=NOW)

    assert data == (json.dumps(json.loads(data), indent=2) + "\n").encode("ascii")
    assert b'"caf\\u00e9.md"' in data
    assert SignatureFile.from_bytes(data).to_bytes() == data


def test_extra_members_are_kept_when_a_file_is_written_again(skill: Path) -> None:
    document = _sign(skill) | {"declared_permissions": ["net"], "x": {"y": [1.0, None]}}
    data = json.dumps(document, indent=2).encode()

    assert json.loads(SignatureFile.from_bytes(data).to_bytes()) == document


def test_signing_replaces_a_linked_signature_file_and_leaves_its_target(skill: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    data = sign_skill(read_folder(skill), FULL, KEY, now=NOW)
    (skill / ".schemapin.sig").symlink_to(target)

    path = write_signature_file(skill, data)

    assert not path.is_symlink()
    assert target.read_text() == "mine"
    assert path.read_bytes() == data


def test_a_signature_file_that_cannot_be_written_leaves_nothing(skill: Path) -> None:
    (skill / ".schemapin.sig").mkdir()

    with pytest.raises(SigningError, match="cannot write"):
        write_signature_file(skill, b"{}")
    assert sorted(path.name for path in skill.iterdir()) == [".schemapin.sig", "SKILL.md", "scripts"]
    with pytest.raises(SigningError, match="cannot write"):
        write_signature_file(skill / "missing", b"{}")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"expires_at": NOW}, "expired already"),
        ({"previous_hash": "sha256:x"}, "previous_hash must be"),
        ({"canonicalization": "jcs"}, "is not schemapin-v1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_claims_that_nobody_would_believe_are_not_signed(claims: dict[str, Any], reason: str, skill: Path) -> None:
    with pytest.raises(SigningError, match=reason):
        sign_skill(read_folder(skill), Claims(tool=TOOL, **claims), KEY, now=NOW)


def test_a_folder_with_a_link_is_not_signed(skill: Path) -> None:
    (skill / "link").symlink_to("SKILL.md")

    with pytest.raises(UnsafeSkillError, match="Symbolic link"):
        sign_skill(read_folder(skill), FULL, KEY, now=NOW)


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key], (*place, key))]
    if isinstance(value, list):
        return [leaf for number in range(len(value)) for leaf in _leaves(value[number], (*place, number))]
    return [place]


def _changes(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return the values that differ from ``value`` by one character, or otherwise by little."""
    if isinstance(value, bool):
        return [not value, None, int(value)]
    assert isinstance(value, str)
    changed = [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))]
    others: list[Any] = [value[:-1], value + "x", value.upper() if value.upper() != value else "y", [value]]
    return [*changed, *others, *([] if value == "schemapin-v1" else [None])]  # a form that is not named is this one


NOT_COVERED = {("schemapin_version",), ("signer_kid",)}
"""What nothing follows from; all else is covered by the statement, or can be computed."""


def test_every_change_of_one_character_of_the_signature_file_is_refused(skill: Path) -> None:
    document = _sign(skill)
    folder = read_folder(skill)
    accepted = []
    for place in _leaves(document):
        *outer, last = place
        for changed in _changes(_at(document, place)):
            copy = json.loads(json.dumps(document))
            _at(copy, outer)[last] = changed
            changed_folder = attrs.evolve(folder, signature_file=json.dumps(copy).encode())
            if verify_skill(changed_folder, TOOL, EVIDENCE, now=NOW).metadata_authenticated:
                accepted.append(place)

    assert {place for place in accepted if place not in NOT_COVERED} == set()


def _at(value: Any, place: Any) -> Any:  # noqa: ANN401 - any JSON
    for part in place:
        value = value[part]
    return value


@pytest.mark.parametrize(
    "member", ["expires_at", "previous_hash", "schema_version", "skill_name", "signed_at", "domain"]
)
def test_a_member_that_is_taken_away_is_missed(member: str, skill: Path) -> None:
    document = _sign(skill)
    del document[member]
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert not _verify(skill).valid


@pytest.mark.parametrize("member", ["statement", "signatures"])
def test_half_a_statement_is_refused(member: str, skill: Path) -> None:
    document = _sign(skill)
    del document[member]
    (skill / ".schemapin.sig").write_text(json.dumps(document))
    result = _verify(skill)

    assert result.error_code == "signature_invalid"
    assert "statement" in str(result.error_message)


def test_every_change_of_one_byte_of_a_file_is_refused(skill: Path) -> None:
    _sign(skill)
    for path in (skill / "SKILL.md", skill / "scripts" / "run.py"):
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            result = _verify(skill)
            assert result.error_code == "signature_invalid"
            assert result.tampered is not None
            assert result.tampered.modified == (str(path.relative_to(skill)),)
        path.write_bytes(data)
    assert _verify(skill).valid


def test_the_executable_bit_is_covered_by_a_statement_only(skill: Path) -> None:
    _sign(skill, Claims(tool=TOOL, form=Form.LEGACY))
    (skill / "scripts" / "run.py").chmod(0o755)
    assert _verify(skill).valid
    (skill / "scripts" / "run.py").chmod(0o644)
    _sign(skill)
    (skill / "scripts" / "run.py").chmod(0o755)
    result = _verify(skill)

    assert result.error_code == "signature_invalid"
    assert "its hashes are not those found" in str(result.error_message)


def test_a_byte_that_moves_from_a_name_into_the_content_is_seen_by_a_statement_whatever_the_manifest_says(
    skill: Path,
) -> None:
    document = _sign(skill)
    (skill / "SKILL.md").unlink()
    (skill / "SKILL").write_bytes(b".md---\nname: Weather\n---\n")
    document["file_manifest"] = {path.replace(".md", ""): digest for path, digest in document["file_manifest"].items()}
    document["file_manifest"]["SKILL"] = read_folder(skill).manifest()["SKILL"]
    (skill / ".schemapin.sig").write_text(json.dumps(document))
    result = _verify(skill)

    assert result.root is not None
    assert result.root.hex() == document["statement"]["predicate"]["root_v1"]
    assert result.error_code == "signature_invalid"


@pytest.mark.parametrize(
    ("tool", "code"),
    [(Tool.of("evil.example", "weather"), "domain_mismatch"), (Tool.of("tools.example", "other"), "domain_mismatch")],
    ids=["domain", "tool-id"],
)
def test_a_signature_for_another_tool_is_refused(tool: Tool, code: str, skill: Path) -> None:
    _sign(skill)

    assert verify_skill(read_folder(skill), tool, EVIDENCE, now=NOW).error_code == code


def test_a_statement_of_another_skill_of_the_publisher_is_refused(skill: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "SKILL.md").write_bytes(b"---\nname: Weather\n---\nother\n")
    theirs, ours = _sign(other), _sign(skill)
    for members in (("statement", "signatures"), ("statement",), ("signatures",)):
        document = ours | {name: theirs[name] for name in members}
        (skill / ".schemapin.sig").write_text(json.dumps(document))
        assert _verify(skill).error_code == "signature_invalid"


def test_a_statement_of_a_schema_is_none_of_a_skill(skill: Path) -> None:
    document = _sign(skill)
    signed = sign_schema_file(SCHEMA, FULL, KEY, now=NOW).to_json()
    (skill / ".schemapin.sig").write_text(
        json.dumps(document | {name: signed[name] for name in ("statement", "signatures")})
    )

    assert "about a schema" in str(_verify(skill).error_message)


def test_two_entries_of_the_same_key_are_refused(skill: Path) -> None:
    document = _sign(skill)
    document["signatures"] *= 2
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert "has 2 signatures" in str(_verify(skill).error_message)


def test_an_entry_of_another_key_beside_ours_is_no_harm(skill: Path) -> None:
    document = _sign(skill)
    document["signatures"].append({"kid": "reviewer", "sig": 5})
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert _verify(skill).metadata_authenticated


def test_a_hundred_entries_are_the_most(skill: Path) -> None:
    document = _sign(skill)
    document["signatures"] += [{"kid": str(number)} for number in range(100)]
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert "more than 100" in str(_verify(skill).error_message)


def test_a_statement_by_another_key_is_refused_though_the_legacy_signature_is_good(skill: Path) -> None:
    document = _sign(skill)
    other = PrivateKey.generate(lambda count: b"\6" * count)
    forged = json.loads(sign_skill(read_folder(skill), attrs.evolve(FULL, scan=None), other, now=NOW))
    document |= {name: forged[name] for name in ("statement", "signatures")}
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert "must be one" in str(_verify(skill).error_message)


def test_a_schema_that_was_signed_verifies_with_all_its_metadata() -> None:
    signed = SignedSchema.from_bytes(
        sign_schema_file(SCHEMA, FULL, KEY, now=NOW, metadata={"developer": "D"}).to_bytes()
    )
    result = verify_schema(signed, TOOL, EVIDENCE, now=NOW)

    assert (result.valid, result.error_message, result.warnings) == (True, None, ())
    assert result.metadata_authenticated
    assert signed.metadata == {"developer": "D"}


def test_a_bare_signature_of_a_schema_verifies() -> None:
    signed = SignedSchema(schema=SCHEMA, signature=sign_schema(SCHEMA, KEY))

    assert verify_schema(signed, TOOL, EVIDENCE, now=NOW).valid


def test_a_legacy_schema_file_has_the_members_of_the_sdk() -> None:
    signed = sign_schema_file(SCHEMA, Claims(tool=TOOL, form=Form.LEGACY), KEY, now=NOW, metadata={"developer": "D"})

    assert list(json.loads(signed.to_bytes())) == ["schema", "signature", "signed_at", "metadata"]


def test_every_change_of_one_character_of_a_signed_schema_is_refused() -> None:
    document = json.loads(sign_schema_file(SCHEMA, FULL, KEY, now=NOW).to_bytes())
    accepted = []
    for place in _leaves(document):
        *outer, last = place
        for changed in _changes(_at(document, place)):
            copy = json.loads(json.dumps(document))
            _at(copy, outer)[last] = changed
            signed = SignedSchema.from_bytes(json.dumps(copy).encode())
            if verify_schema(signed, TOOL, EVIDENCE, now=NOW).metadata_authenticated:
                accepted.append(place)

    assert accepted == []


def test_a_schema_that_has_no_canonical_form_is_not_signed() -> None:
    with pytest.raises(MalformedError):
        sign_schema({"x": float("nan")}, KEY)
    with pytest.raises(MalformedError):
        sign_schema_file({"x": "\ud800"}, FULL, KEY, now=NOW)


# Both protocols on one folder: SchemaPin first, then Haldir, whose envelope covers .schemapin.sig.


@pytest.fixture
def seal(publisher: Ed25519Key) -> Callable[[Path], None]:
    def seal_it(folder: Path) -> None:
        identity = SkillIdentity("weather", "1.2.3", "skill.md")
        documents = sign(read_skill(folder), identity, Permissions.deny_all(), publisher, clock=lambda: NOW)
        write_vault(folder, documents)

    return seal_it


def test_a_folder_that_haldir_signed_after_schemapin_verifies_for_both(
    skill: Path, seal: Callable[[Path], None], check: Callable[..., Any]
) -> None:
    _sign(skill)
    seal(skill)

    assert check(skill).valid
    assert _verify(skill, vault=FolderVault.LEFT_OUT).metadata_authenticated


def test_without_the_haldir_envelope_such_a_folder_is_refused_with_the_way_out(
    skill: Path, seal: Callable[[Path], None]
) -> None:
    _sign(skill)
    seal(skill)
    result = _verify(skill)

    assert result.error_code == "signature_invalid"
    assert "verify the Haldir envelope" in str(result.error_message)


def test_haldir_covers_the_signature_file(skill: Path, seal: Callable[[Path], None], check: Callable[..., Any]) -> None:
    _sign(skill)
    seal(skill)
    document = json.loads((skill / ".schemapin.sig").read_bytes())
    (skill / ".schemapin.sig").write_text(json.dumps(document))

    assert not check(skill).valid


def test_schemapin_does_not_sign_after_haldir(skill: Path, seal: Callable[[Path], None]) -> None:
    seal(skill)

    with pytest.raises(SigningError, match="SchemaPin signs first"):
        sign_skill(read_folder(skill), FULL, KEY, now=NOW)


def test_a_folder_that_an_sdk_signed_with_its_vault_is_told_that_the_order_is_wrong(
    skill: Path, seal: Callable[[Path], None]
) -> None:
    seal(skill)
    folder = read_folder(skill)
    unsealed = attrs.evolve(folder, files={path: folder.files[path] for path in folder.files if path[0] != "."})
    document = json.loads(sign_skill(unsealed, Claims(tool=TOOL, form=Form.LEGACY), KEY, now=NOW))
    from haldir_core.schemapin.signatures import sign_digest  # noqa: PLC0415 - what an SDK does

    document["signature"] = sign_digest(KEY, folder.root_v1())
    write_signature_file(skill, json.dumps(document).encode())

    assert "the wrong order" in str(_verify(skill, vault=FolderVault.LEFT_OUT).error_message)


def test_a_payload_in_the_vault_is_found_by_haldir_before_schemapin_leaves_it_out(
    skill: Path, seal: Callable[[Path], None], check: Callable[..., Any]
) -> None:
    _sign(skill)
    seal(skill)
    (skill / ".vault" / "payload.sh").write_text("x")

    assert not check(skill).valid
    assert not _verify(skill).valid


@pytest.mark.parametrize(
    "claims",
    [
        {"form": Form.LEGACY, "name": "\ud800"},
        {"form": Form.LEGACY, "schema_version": "x" * 9_000_000},
        {"name": ""},
        {"name": "\ud800"},
        {"schema_version": "x" * 20_000},
    ],
    ids=["legacy-surrogate", "legacy-long", "no-name", "surrogate", "long"],
)
def test_a_signature_that_nobody_could_read_is_not_made(claims: dict[str, Any], skill: Path) -> None:
    with pytest.raises(SigningError, match="no verifier would read"):
        sign_skill(read_folder(skill), Claims(tool=TOOL, **claims), KEY, now=NOW)


def test_a_value_without_canonical_form_is_not_portable_at_all() -> None:
    deep: Any = 0
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(MalformedError):
        portability_of(deep)
