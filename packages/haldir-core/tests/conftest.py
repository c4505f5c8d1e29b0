"""Builders of the tests of haldir-core, and the hook that keeps these tests off the network."""

import json
import os
import socket
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from haldir_core import (
    Context,
    Keyring,
    KeyRole,
    Permissions,
    Policy,
    PrivateKey,
    RevocationEvidence,
    RevocationList,
    SkillIdentity,
    Timestamp,
    Verification,
    VettingReport,
    read_skill,
    sign,
    verify,
    write_vault,
)
from haldir_core.canonical import canonical_bytes, pretty_bytes
from haldir_core.digest import sha256
from haldir_core.encoding import encode_base64url
from haldir_core.envelope import Envelope

settings.register_profile("haldir-core", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-core")

VECTORS = Path(__file__).parents[3] / "spec" / "vectors"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WEATHER = SkillIdentity("weather", "1.2.3", "skill.md")
FILES = {"SKILL.md": b"# Weather\n", "scripts/run.py": b"print('rain')\n", "data/empty": b""}

FORBIDDEN_EVENTS = {
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
}

Listener = Callable[[str, tuple[Any, ...]], None]
_listeners: list[Listener] = []


def _refuse_network_and_processes(event: str, args: tuple[Any, ...]) -> None:
    inet_bind = event == "socket.bind" and args[0].family != socket.AF_UNIX
    if event in FORBIDDEN_EVENTS or inet_bind:
        raise PermissionError(f"a unit test of haldir-core caused {event}: {args[1:]!r:.200}")


def _dispatch(event: str, args: tuple[Any, ...]) -> None:
    for listener in tuple(_listeners):
        listener(event, args)


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_dispatch)


@pytest.fixture(autouse=True)
def _closed(_audit_hook: None) -> Iterator[None]:
    """Refuse network and processes while a test of this folder runs."""
    _listeners.append(_refuse_network_and_processes)
    yield
    _listeners.clear()


@pytest.fixture
def on_event() -> Callable[[Listener], None]:
    """Call a function at every audit event of the rest of the test: the moment for a race to be lost."""
    return _listeners.append


@pytest.fixture(scope="session")
def vectors() -> Path:
    return VECTORS


@pytest.fixture(scope="session")
def peer() -> Path:
    """The vectors made by the TypeScript implementation."""
    return VECTORS / "haldir-ts"


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds ``skills/`` of the TypeScript implementation."""
    folder = tmp_path_factory.mktemp("peer")
    with tarfile.open(VECTORS / "haldir-ts" / "skills.tar.gz") as archive:
        # Python 3.11 before .4 has no filters; links and odd names are what the vectors are about
        archive.extraction_filter = getattr(tarfile, "tar_filter", None)
        archive.extractall(folder)  # noqa: S202 - our own vectors
    return folder


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def publisher() -> PrivateKey:
    return PrivateKey.from_seed(b"p" * 32)


@pytest.fixture(scope="session")
def authority() -> PrivateKey:
    return PrivateKey.from_seed(b"a" * 32)


@pytest.fixture(scope="session")
def revoker() -> PrivateKey:
    return PrivateKey.from_seed(b"r" * 32)


@pytest.fixture(scope="session")
def stranger() -> PrivateKey:
    return PrivateKey.from_seed(b"s" * 32)


@pytest.fixture(scope="session")
def ring(publisher: PrivateKey, authority: PrivateKey, revoker: PrivateKey) -> Keyring:
    """All but the stranger, one role each."""
    return Keyring.of(
        [
            (publisher.public_key, KeyRole.PUBLISHER),
            (authority.public_key, KeyRole.AUTHORITY),
            (revoker.public_key, KeyRole.REVOCATION),
        ]
    )


@pytest.fixture
def skill() -> SkillIdentity:
    return WEATHER


@pytest.fixture
def report() -> VettingReport:
    """A small report, dated an hour before the skill is signed."""
    return VettingReport.from_bytes(
        canonical_bytes(
            {
                "schema_version": "1.0",
                "vetting_timestamp": Timestamp.at(NOW - timedelta(hours=1)).text,
                "pipeline_version": "1",
                "layers": [{"layer": 1, "name": "static_analysis", "status": "pass", "findings": []}],
                "overall_status": "pass",
            }
        )
    )


@pytest.fixture
def make_skill(tmp_path: Path) -> Callable[..., Path]:
    """Make an unsigned skill folder with ``files`` by path."""

    def make(files: Mapping[str, bytes] = FILES, *, name: str = "skill") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for path, data in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return folder

    return make


@pytest.fixture
def sign_folder(publisher: PrivateKey) -> Callable[..., Path]:
    """Sign a folder as ``weather`` and write its ``.vault``."""

    def sign_it(
        folder: Path,
        *,
        skill: SkillIdentity = WEATHER,
        permissions: Permissions | None = None,
        signer: PrivateKey = publisher,
        report: VettingReport | None = None,
        at: datetime = NOW,
    ) -> Path:
        documents = sign(
            read_skill(folder), skill, permissions or Permissions.deny_all(), signer, clock=lambda: at, report=report
        )
        write_vault(folder, documents)
        return folder

    return sign_it


@pytest.fixture
def signed(make_skill: Callable[..., Path], sign_folder: Callable[..., Path]) -> Path:
    """A skill that the publisher signed."""
    return sign_folder(make_skill())


@pytest.fixture
def seal(publisher: PrivateKey) -> Callable[..., Path]:
    """Make a consistent ``.vault`` around any bytes: what a signer can do who signs nonsense with a good key.

    Members of the attestation are given by name; None leaves one out.
    """

    def seal_it(
        folder: Path,
        *,
        manifest: bytes | None = None,
        permissions: bytes | None = None,
        report: bytes | None = None,
        payload: bytes | None = None,
        signers: tuple[PrivateKey, ...] = (publisher,),
        **members: object,
    ) -> Path:
        snapshot = read_skill(folder)
        if manifest is None:
            times = {"generated_at": Timestamp.at(NOW).text}
            manifest = canonical_bytes(
                {"schema_version": "1.0", "algorithm": "sha256", "files": dict(snapshot.files), **times}
            )
        if permissions is None:
            permissions = Permissions.deny_all().to_bytes()
        try:
            permissions_hash = sha256(canonical_bytes(json.loads(permissions)))
        except ValueError:
            permissions_hash = sha256(permissions)
        attestation: dict[str, Any] = {
            "schema_version": "1.0",
            "skill": {"name": WEATHER.name, "version": WEATHER.version, "type": WEATHER.type},
            "integrity_hash": sha256(manifest),
            "permissions_hash": permissions_hash,
            "vetting_report_hash": None if report is None else sha256(report),
            "signed_at": Timestamp.at(NOW).text,
            **members,
        }
        if payload is None:
            payload = canonical_bytes({name: value for name, value in attestation.items() if value is not None})
        envelope = Envelope.sign(payload, signers[0])
        for signer in signers[1:]:
            envelope = envelope.append_signature(signer)
        documents = {"integrity.json": manifest, "attestation.json": payload, "permissions.json": permissions}
        if report is not None:
            documents["vetting-report.json"] = report
        write_vault(folder, documents | {"signature.json": envelope.to_bytes()})
        return folder

    return seal_it


@pytest.fixture
def revocations(revoker: PrivateKey) -> Callable[..., bytes]:
    """Make a signed revocation list from explicit times; ``revoked`` are pairs of name and version."""

    def make(
        *revoked: tuple[str, str],
        signer: PrivateKey = revoker,
        sequence: int = 1,
        issued: datetime = NOW,
        expires: datetime = NOW + timedelta(hours=24),
        **extra: object,
    ) -> bytes:
        document: dict[str, Any] = {
            "schema_version": "1.0",
            "sequence_number": sequence,
            "issued_at": Timestamp.at(issued).text,
            "expires_at": Timestamp.at(expires).text,
            "next_update": Timestamp.at(issued).text,
            "entries": [
                {
                    "name": name,
                    "versions": [version],
                    "revoked_at": Timestamp.at(NOW).text,
                    "reason": "found bad",
                    "severity": "high",
                }
                for name, version in revoked
            ],
            **extra,
        }
        signature = signer.sign(canonical_bytes(document))
        document["signature"] = {"keyid": signer.keyid, "sig": encode_base64url(signature)}
        data = pretty_bytes(document)
        assert RevocationList.from_bytes(data).is_signed_by(signer.public_key)
        return data

    return make


@pytest.fixture
def check(ring: Keyring, revocations: Callable[..., bytes]) -> Callable[..., Verification]:
    """Verify a folder; by default at install, with a current list that revokes nothing."""
    current = revocations()

    def check_it(
        folder: Path | str,
        *,
        keyring: Keyring = ring,
        evidence: RevocationEvidence | None = None,
        context: Context = Context.INSTALL,
        at: datetime = NOW,
        policy: Policy | None = None,
    ) -> Verification:
        return verify(
            read_skill(folder),
            keyring,
            evidence or RevocationEvidence(current=current),
            context=context,
            now=at,
            policy=policy or Policy(),
        )

    return check_it


@pytest.fixture
def document() -> Callable[[Path, str], Any]:
    """Return the parsed JSON of a document of a ``.vault``."""

    def read(folder: Path, name: str) -> object:
        return json.loads((folder / ".vault" / name).read_bytes())

    return read


@pytest.fixture
def in_child() -> Callable[[Callable[[], int]], int]:
    """Run a function in a forked child and return its result, 0 to 255; 255 if it raised."""

    def run(work: Callable[[], int]) -> int:
        pid = os.fork()
        if pid == 0:
            status = 255
            try:
                status = work()
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    return run
