"""The published package and we verify what the other one signs.

The package lives in an environment of its own: it pins old libraries and installs a top-level package called tools.
"""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    Permissions,
    SkillIdentity,
    read_skill,
    sign,
    write_vault,
)
from haldir_core import (
    PrivateKey as Ed25519Key,
)
from haldir_core.digest import sha256
from haldir_core.schemapin import (
    Claims,
    Evidence,
    FolderVault,
    Form,
    PrivateKey,
    ScanResult,
    SignedSchema,
    Tool,
    Verification,
    load_private_key,
    parse_strict,
    read_folder,
    sign_schema,
    sign_skill,
    verify_schema,
    verify_skill,
    write_key_pair,
    write_signature_file,
)

VERSION = "1.3.0"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOOL = Tool.of("tools.example", "tool")
KEY = PrivateKey.generate(lambda count: b"\7" * count)
PEM = KEY.public_key.to_pem().decode()
DISCOVERY = {"schema_version": "1.2", "developer_name": "Dev Co", "public_key_pem": PEM, "revoked_keys": []}
EVIDENCE = Evidence(discovery=json.dumps(DISCOVERY).encode())
VECTORS = Path(__file__).parents[1] / "spec" / "vectors" / "schemapin"
SCHEMAS = [
    parse_strict(case["raw"].encode(), "schema")
    for case in json.loads((VECTORS / "canon.json").read_bytes())
    if "canonical" in case["results"]["py"]
    and case["name"] not in {"float_overflow", "dup_keys", "dup_keys_nested", "NaN", "Infinity", "deep_200"}
]

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def peer_bin(tree: Path) -> Path:
    """Return the folder with the programs of the published package, installed if need be."""
    environment = tree / ".venvs" / "schemapin"
    marker = environment / f"installed-{VERSION}"
    if not marker.exists():
        environment.parent.mkdir(exist_ok=True)
        uv = str(tree / "scripts" / "uv")
        install = [uv, "pip", "install", "--quiet", "--python", str(environment), f"schemapin=={VERSION}"]
        subprocess.run([uv, "venv", "--quiet", "--clear", str(environment)], check=True, cwd=tree)
        online = subprocess.run(install, check=False, cwd=tree, capture_output=True)
        if online.returncode != 0:  # without a network, what uv has kept may do
            subprocess.run(install, check=True, cwd=tree, env=os.environ | {"UV_OFFLINE": "1"})
        marker.touch()
    return environment / "bin"


@pytest.fixture
def ask(peer_bin: Path) -> Ask:
    """Ask the published package for something and return its answer."""

    def call(what: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        script = Path(__file__).with_name("peer_schemapin.py")
        request = json.dumps({"ask": what, **arguments})
        run = subprocess.run(
            [str(peer_bin / "python"), str(script)], input=request, capture_output=True, encoding="utf-8", check=False
        )
        assert run.returncode == 0, run.stderr[-2000:]
        return json.loads(run.stdout)

    return call


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skill"
    files = {
        "SKILL.md": b"---\nname: Weather\n---\n",
        "scripts/run.py": b"print('rain')\n",
        "data/caf\u00e9.bin": bytes(range(256)) * 5000,
        ".hidden/empty": b"",
        "a.txt": b"1",
        "a/b": b"2",
    }
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def _claims(**members: Any) -> Claims:  # noqa: ANN401 - members of Claims
    return Claims(tool=TOOL, **members)


FULL = _claims(
    expires_at=NOW + timedelta(days=3650),
    schema_version="1.2.0",
    previous_hash=sha256(b"before"),
    scan=ScanResult(passed=True, scanner_version="haldir-scanner 0.1.0", ruleset_hash=sha256(b"rules")),
    canonicalization="schemapin-v1",
)


def _verify(skill: Path, **options: Any) -> Verification:  # noqa: ANN401 - passed on
    return verify_skill(read_folder(skill), TOOL, EVIDENCE, now=NOW, **options)


def test_the_peer_verifies_every_schema_that_we_sign(ask: Ask) -> None:
    signed = [(schema, sign_schema(schema, KEY)) for schema in SCHEMAS]

    answers = ask("verify_schemas", discovery=DISCOVERY, signed=signed)

    assert len(answers) > 50
    assert [answer["valid"] for answer in answers] == [True] * len(signed)


def test_we_verify_every_schema_that_the_peer_signs(ask: Ask) -> None:
    signatures = ask("sign_schemas", key=KEY.to_pem().decode(), schemas=SCHEMAS)

    results = [
        verify_schema(SignedSchema(schema=schema, signature=signature), TOOL, EVIDENCE, now=NOW)
        for schema, signature in zip(SCHEMAS, signatures, strict=True)
    ]
    assert all(result.valid for result in results)


@pytest.mark.parametrize("claims", [_claims(form=Form.LEGACY), _claims(), FULL], ids=["1.3", "statement", "1.4"])
def test_the_peer_verifies_a_skill_that_we_sign(claims: Claims, skill: Path, ask: Ask) -> None:
    write_signature_file(skill, sign_skill(read_folder(skill), claims, KEY, now=NOW))

    answer = ask("verify_skill", discovery=DISCOVERY, skill=str(skill))

    assert answer["valid"], answer
    assert answer["domain"] == "tools.example"


def test_the_peer_refuses_our_skill_after_a_change(skill: Path, ask: Ask) -> None:
    write_signature_file(skill, sign_skill(read_folder(skill), FULL, KEY, now=NOW))
    (skill / "a.txt").write_bytes(b"3")

    assert ask("verify_skill", discovery=DISCOVERY, skill=str(skill))["error_code"] == "signature_invalid"


def test_we_verify_a_skill_that_the_peer_signs(skill: Path, ask: Ask) -> None:
    document = ask("sign_skill", key=KEY.to_pem().decode(), skill=str(skill))
    result = _verify(skill)

    assert result.valid, result.error_message
    assert not result.metadata_authenticated
    assert result.skill_hash == document["skill_hash"]
    assert result.metadata.name == document["skill_name"] == "Weather"
    assert result.metadata.signed_at is not None


def test_we_write_the_bytes_that_the_peer_writes_but_for_signature_and_time(skill: Path, ask: Ask) -> None:
    ask("sign_skill", key=KEY.to_pem().decode(), skill=str(skill))
    theirs = (skill / ".schemapin.sig").read_text(encoding="utf-8")
    ours = sign_skill(read_folder(skill), _claims(form=Form.LEGACY), KEY, now=NOW).decode()
    values = [(json.loads(text)["signature"], json.loads(text)["signed_at"]) for text in (theirs, ours)]

    for signature, signed_at in values:
        theirs, ours = (text.replace(signature, "S").replace(signed_at, "T") for text in (theirs, ours))
    assert ours == theirs


def test_the_peer_refuses_a_folder_that_haldir_signed_afterwards_and_we_do_not(skill: Path, ask: Ask) -> None:
    """What the documentation says that published SDKs see."""
    write_signature_file(skill, sign_skill(read_folder(skill), FULL, KEY, now=NOW))
    identity = SkillIdentity("weather", "1.0.0", "skill.md")
    signer = Ed25519Key.from_seed(b"\5" * 32)
    write_vault(skill, sign(read_skill(skill), identity, Permissions.deny_all(), signer, clock=lambda: NOW))

    assert ask("verify_skill", discovery=DISCOVERY, skill=str(skill))["error_code"] == "signature_invalid"
    assert _verify(skill, vault=FolderVault.LEFT_OUT).metadata_authenticated


def _program(peer_bin: Path, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(peer_bin / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_its_command_line_verifies_what_we_sign(skill: Path, tmp_path: Path, peer_bin: Path) -> None:
    write_signature_file(skill, sign_skill(read_folder(skill), FULL, KEY, now=NOW))
    _, public = write_key_pair(tmp_path, KEY)

    run = _program(peer_bin, "schemapin-verify", "--skill", skill, "--public-key", public, "--json", "--exit-code")

    assert run.returncode == 0, run.stdout + run.stderr


def test_its_command_line_signs_with_our_key_file_and_we_with_its(tmp_path: Path, peer_bin: Path) -> None:
    private, _ = write_key_pair(tmp_path, KEY)
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "name": "weather", "x": 1.0}')
    signed = tmp_path / "signed.json"

    run = _program(peer_bin, "schemapin-sign", "--key", private, "--schema", schema, "--output", signed, "-q")

    assert run.returncode == 0, run.stdout + run.stderr
    document = SignedSchema.from_bytes(signed.read_bytes())
    assert verify_schema(document, TOOL, EVIDENCE, now=NOW).valid
    assert document.signed_at is not None

    keys = tmp_path / "keys"
    made = _program(peer_bin, "schemapin-keygen", "--type", "ecdsa", "--output-dir", keys, "-q")
    assert made.returncode == 0, made.stdout + made.stderr
    path = next(keys.glob("*private*.pem"))
    path.chmod(0o600)  # it writes 0644, which we refuse
    assert load_private_key(path).public_key.fingerprint.startswith("sha256:")
