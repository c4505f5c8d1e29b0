"""Builders of the tests of haldir-cli: keys, skills and lists in ``tmp_path``, the program in-process, no network."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from haldir_cli import main
from haldir_core import PrivateKey, RevocationList, RevokedSkill, Timestamp, write_key_pair

SKILL_MD = "---\nname: weather\nversion: 1.2.3\n---\nSay how the weather is.\n"

Run = Callable[..., tuple[int, str, str]]

FORBIDDEN_EVENTS = {
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
}

_closed: list[bool] = []


def _refuse_network_and_processes(event: str, args: tuple[object, ...]) -> None:
    if _closed and event in FORBIDDEN_EVENTS:
        raise PermissionError(f"a unit test caused {event}: {args[1:]!r:.200}")


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_refuse_network_and_processes)


@pytest.fixture(autouse=True)
def _offline(_audit_hook: None) -> Iterator[None]:
    """Refuse network and processes while a test of this folder runs."""
    _closed.append(True)
    yield
    _closed.clear()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for the user's state; it does not exist yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HALDIR_HOME", str(folder))
    monkeypatch.delenv("HALDIR_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")  # so that no word of a usage error is broken over two lines
    return folder


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the program runs."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line and return exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return call


@pytest.fixture
def private_keys() -> dict[str, PrivateKey]:
    names = ("publisher", "authority", "revoker", "stranger")
    return {name: PrivateKey.from_seed(name[:1].encode() * 32) for name in names}


@pytest.fixture
def keys(tmp_path: Path, private_keys: dict[str, PrivateKey]) -> Path:
    """Return a folder with the key files of publisher, authority, revoker and stranger."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for name, key in private_keys.items():
        write_key_pair(folder, name, key)
    return folder


@pytest.fixture
def encrypted_key(keys: Path, private_keys: dict[str, PrivateKey]) -> Path:
    """Return the publisher's key under the passphrase ``correct horse``, with a fast derivation."""
    path = keys / "encrypted.key"
    path.touch(mode=0o600)
    path.write_bytes(private_keys["publisher"].to_pem(b"correct horse", kdf_rounds=1))
    return path


@pytest.fixture
def make_skill(work: Path) -> Callable[..., Path]:
    """Make a skill folder with a SKILL.md and a script."""

    def make(name: str = "weather", skill_md: str | bytes = SKILL_MD) -> Path:
        folder = work / name
        (folder / "scripts").mkdir(parents=True)
        data = skill_md if isinstance(skill_md, bytes) else skill_md.encode()
        (folder / "SKILL.md").write_bytes(data)
        (folder / "scripts" / "run.py").write_text("print('rain')\n", encoding="utf-8")
        return folder

    return make


@pytest.fixture
def skill(make_skill: Callable[..., Path]) -> Path:
    """Return an unsigned skill."""
    return make_skill()


@pytest.fixture
def signed(skill: Path, keys: Path, run: Run) -> Path:
    """Return a skill that the publisher signed."""
    code, _, err = run("sign", skill, "--key", keys / "publisher.key")
    assert code == 0, err
    return skill


@pytest.fixture
def make_list(work: Path, private_keys: dict[str, PrivateKey]) -> Callable[..., Path]:
    """Write a revocation list as a file; ``age`` is how long ago it was made, ``sequence`` its number."""

    def make(
        *revoked: str, signer: str = "revoker", age: timedelta = timedelta(), sequence: int = 1, name: str = "list.json"
    ) -> Path:
        moment = datetime.now(UTC) - age
        key = private_keys[signer]
        entries = [_entry(text, moment) for text in revoked]
        listed = RevocationList.create(key, moment, *entries)
        for _ in range(sequence - 1):
            listed = listed.refresh(signer=key, now=moment)
        path = work / name
        path.write_bytes(listed.to_bytes())
        return path

    return make


@pytest.fixture
def verify(run: Run, keys: Path) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Verify a skill with the publisher's and the revoker's key; return exit code, verdict and stderr."""

    def call(skill: Path, *options: str | Path) -> tuple[int, dict[str, Any], str]:
        trusted = ("--key", keys / "publisher.pub", "--revocation-key", keys / "revoker.pub")
        code, out, err = run("verify", skill, *trusted, *options)
        return code, json.loads(out), err

    return call


@pytest.fixture
def read_vault() -> Callable[..., Any]:
    """Return the JSON value of a document of a skill's vault."""

    def read(skill: Path, document: str) -> Any:  # noqa: ANN401 - a JSON value
        return json.loads((skill / ".vault" / document).read_bytes())

    return read


@pytest.fixture
def vault_bytes() -> Callable[[Path], dict[str, bytes]]:
    """Return the whole content of a skill's vault."""

    def read(skill: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (skill / ".vault").iterdir()}

    return read


@pytest.fixture
def pipe_with() -> Callable[[bytes], int]:
    """Return the reading end of a pipe that holds some bytes and is closed at the other end."""

    def make(data: bytes) -> int:
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        return reading

    return make


def _entry(text: str, moment: datetime) -> RevokedSkill:
    name, _, version = text.rpartition("@")
    return RevokedSkill(name, (version,), Timestamp.at(moment), "test", "high")
