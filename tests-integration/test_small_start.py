"""A command loads what it needs and nothing else: start-up is most of the time of a small command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROBE = """
import json, sys
from haldir_cli import main
code = main(sys.argv[1:])
print("MODULES", json.dumps([code, sorted(sys.modules)]))
"""

VERIFY = """
import json, sys
from datetime import UTC, datetime
from haldir_core import Context, Keyring, KeyRole, RevocationEvidence, load_public_key, read_skill, verify

keys = {role: load_public_key(f"keys/{name}.pub") for name, role in json.loads(sys.argv[1]).items()}
ring = Keyring.of((key, KeyRole(role)) for role, key in keys.items())
verdict = verify(read_skill("skills/valid"), ring, RevocationEvidence(), context=Context.RUNTIME, now=datetime.now(UTC))
print(json.dumps([verdict.valid, sorted({module.partition(".")[0] for module in sys.modules})]))
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., tuple[int, set[str]]]:
    """Run the command line in a process of its own; return exit code and the top-level modules that were loaded."""

    def call(*arguments: str | Path) -> tuple[int, set[str]]:
        command = [sys.executable, "-c", PROBE, *(str(argument) for argument in arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=dict(os.environ), capture_output=True, encoding="utf-8", check=True, timeout=60
        )
        code, modules = json.loads(done.stdout.rpartition("MODULES ")[2])
        return code, {module.partition(".")[0] for module in modules}

    return call


def test_the_version_is_told_without_core_and_cryptography(loaded: Callable[..., tuple[int, set[str]]]) -> None:
    code, modules = loaded("--version")
    assert (code, modules & {"haldir_core", "cryptography", "nacl", "attrs", "typer", "yaml"}) == (0, set())


@pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")
def test_a_confined_run_loads_neither_the_option_parser_nor_what_a_quiet_run_does_not_need(
    loaded: Callable[..., tuple[int, set[str]]], tmp_path: Path
) -> None:
    (tmp_path / "skill").mkdir()
    code, modules = loaded("enforce", "skill", "--no-verify", "--", "true")
    parsers = {"typer", "difflib", "gettext", "shlex", "argparse"}
    verifying = {"cryptography", "nacl", "secrets", "hmac", "base64"}
    unused = {"asyncio", "subprocess", "uuid", "traceback", "yaml", "haldir_sandbox", "haldir_scanner"}
    assert (code, modules & (parsers | verifying | unused)) == (0, set())


def test_verifying_with_a_public_key_loads_no_heavy_library(
    loaded: Callable[..., tuple[int, set[str]]], tmp_path: Path, unpack: Callable[[Path], None]
) -> None:
    unpack(tmp_path)
    keys = ("--key", "keys/publisher.pub", "--revocation-key", "keys/revoker.pub")
    code, modules = loaded("verify", "skills/valid", *keys, "--revocation", "revocation/empty.json")
    heavy = {"cryptography", "sigstore", "yaml", "rich", "pydantic", "haldir_scanner", "haldir_pipeline", "asyncio"}
    assert (code, modules & heavy) == (0, set())


def test_inspecting_loads_no_heavy_library(
    loaded: Callable[..., tuple[int, set[str]]], tmp_path: Path, unpack: Callable[[Path], None]
) -> None:
    unpack(tmp_path)
    code, modules = loaded("inspect", "skills/valid")
    assert (code, modules & {"cryptography", "sigstore", "yaml", "rich", "pydantic", "haldir_scanner"}) == (0, set())


def test_the_library_verifies_with_public_keys_and_loads_no_heavy_library(
    tmp_path: Path, unpack: Callable[[Path], None]
) -> None:
    unpack(tmp_path)
    roles = json.dumps({"publisher": "publisher", "authority": "authority", "revoker": "revocation"})
    command = [sys.executable, "-c", VERIFY, roles]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True, timeout=60)
    valid, modules = json.loads(done.stdout)
    heavy = {"cryptography", "sigstore", "yaml", "rich", "pydantic", "asyncio", "typer", "haldir_cli"}
    assert (valid, set(modules) & heavy) == (True, set())
