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
from haldir_core.signedrules import SignedRules
from haldir_scanner.bundles import compile_bundle

SKILL_MD = "---\nname: weather\nversion: 1.2.3\n---\nSay how the weather is.\n"

Run = Callable[..., tuple[int, str, str]]

HEAD = "---\nname: {}\ndescription: Says hello. Use it when somebody wants a greeting.\n---\n"
SOURCES = {
    "bundle.toml": 'version = "7"',
    "scoring.toml": """
[scoring]
repeat_percent = 10
repeats_counted = 3
weights = { critical = 60, high = 30, medium = 12, low = 3 }
confidence_percent = { high = 100, medium = 75, low = 40 }
[scoring.policies]
strict = { flag = 12, reject = 30 }
balanced = { flag = 30, reject = 100 }
quiet = { flag = 60, reject = 120 }
""",
    "own.toml": """
category = "exfiltration"
[defaults]
confidence = "high"
message = "A message."
remediation = "A remedy."
file_types = ["any"]
regions = ["prose", "code", "data"]
[[rule]]
id = "bad_word"
severity = "critical"
verdict = "reject"
title = "Bad word"
any = ["bad[0-9]*"]
references = ["https://reference.example/bad"]
match = [{ "a.md" = "It is bad7." }]
no_match = [{ "a.md" = "It is good.\\u200b" }]
[[rule]]
id = "odd_word"
severity = "high"
title = "Odd word"
any = ["odd"]
match = [{ "a.md" = "It is odd." }]
no_match = [{ "a.md" = "It is even." }]
""",
}

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


@pytest.fixture
def sources() -> dict[str, str]:
    """Return TOML texts of rules of our own: ``bad`` rejects, ``odd`` flags."""
    return dict(SOURCES)


@pytest.fixture
def rules(work: Path, keys: Path, private_keys: dict[str, PrivateKey]) -> tuple[str | Path, ...]:
    """Options for rules of our own: ``bad`` rejects, ``odd`` flags."""
    folder = work.parent / "rules"
    folder.mkdir()
    signed = SignedRules.sign(compile_bundle(SOURCES), private_keys["authority"])
    (folder / "rules.json").write_bytes(signed.to_bytes())
    return ("--bundle", folder / "rules.json", "--key", keys / "authority.pub")


@pytest.fixture
def scan(run: Run, rules: tuple[str | Path, ...]) -> Run:
    """Scan by our own rules; return exit code, stdout and stderr."""
    return lambda *arguments: run("scan", *arguments, *rules)


@pytest.fixture
def write(work: Path) -> Callable[..., Path]:
    """Write a file below the working folder; a SKILL.md gets a front matter as it should have one."""

    def make(path: str, text: str = "It is fine.\n") -> Path:
        file = work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        head = HEAD.format(file.parent.name) if file.name == "SKILL.md" else ""
        file.write_text(head + text, encoding="utf-8")
        return file

    return make


@pytest.fixture
def skills(write: Callable[..., Path]) -> None:
    """Three skills: one passes, one is flagged, one is rejected."""
    for name in ("fine", "odd", "bad"):
        write(f"{name}/SKILL.md")
    write("odd/x.md", "It is odd.\n")
    write("bad/docs/x.md", "\n  It is bad1.\n")


def _entry(text: str, moment: datetime) -> RevokedSkill:
    name, _, version = text.rpartition("@")
    return RevokedSkill(name, (version,), Timestamp.at(moment), "test", "high")
