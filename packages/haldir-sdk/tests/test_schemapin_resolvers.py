import asyncio
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from haldir_core.errors import MalformedError
from haldir_core.schemapin.bundles import TrustBundle, sign_bundle, verify_bundle
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import Decision, MemoryPins, Mode, Question
from haldir_core.schemapin.revocation import KeyRevocations, RevokedKey
from haldir_sdk.schemapin.dns import fetch_record
from haldir_sdk.schemapin.errors import FetchError, NotThereError, ResolveError
from haldir_sdk.schemapin.resolvers import (
    BundleResolver,
    ChainResolver,
    FolderResolver,
    Origin,
    Resolved,
    Resolver,
    WellKnownResolver,
    open_bundle,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("example.com")
WELL_KNOWN = "https://example.com/.well-known/schemapin.json"
REVOCATIONS = "https://keys.example/r.json"


class _Pages:
    """Gives documents by their address; what it does not have is not there."""

    def __init__(self, pages: dict[str, bytes | Exception]) -> None:
        self._pages = pages

    async def get(self, url: str) -> bytes:
        page = self._pages.get(url, NotThereError(url))
        if isinstance(page, Exception):
            raise page
        return page


class _Fixed:
    def __init__(self, answer: Resolved | Exception | None) -> None:
        self._answer = answer

    async def resolve(self, _: Domain) -> Resolved | None:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _resolve(resolver: Resolver, domain: Domain = HERE) -> Resolved | None:
    return asyncio.run(resolver.resolve(domain))


@pytest.fixture
def announced(discovery: Discovery) -> Discovery:
    return attrs.evolve(discovery, revocation_endpoint=REVOCATIONS)


@pytest.fixture
def revocations() -> KeyRevocations:
    return KeyRevocations.create(HERE, (RevokedKey("sha256:" + "0a" * 32, "", "superseded"),), NOW)


def test_a_server_gives_both_documents(announced: Discovery, revocations: KeyRevocations) -> None:
    pages = _Pages({WELL_KNOWN: announced.to_bytes(), REVOCATIONS: revocations.to_bytes()})
    found = _resolve(WellKnownResolver(pages))
    assert found == Resolved(discovery=announced, revocations=revocations, origin=Origin.SERVER)


def test_a_server_that_has_no_document_does_not_know_the_domain() -> None:
    assert _resolve(WellKnownResolver(_Pages({}))) is None


@pytest.mark.parametrize("page", [NotThereError("gone"), FetchError("500"), b"[]", b""], ids=ascii)
def test_revocations_that_cannot_be_had_are_a_problem(announced: Discovery, page: bytes | Exception) -> None:
    found = _resolve(WellKnownResolver(_Pages({WELL_KNOWN: announced.to_bytes(), REVOCATIONS: page})))
    assert found is not None
    assert found.revocations is None
    assert found.problem


@pytest.mark.parametrize("page", [b"", b"{}", b'{"public_key_pem": "BEGIN PUBLIC KEY"}'], ids=ascii)
def test_a_server_that_gives_no_document_is_an_error(page: bytes) -> None:
    with pytest.raises(MalformedError):
        _resolve(WellKnownResolver(_Pages({WELL_KNOWN: page})))


def test_a_folder_gives_both_documents(tmp_path: Path, discovery: Discovery, revocations: KeyRevocations) -> None:
    (tmp_path / "example.com.json").write_bytes(discovery.to_bytes())
    assert _resolve(FolderResolver(tmp_path)) == Resolved(discovery=discovery)
    (tmp_path / "example.com.revocations.json").write_bytes(revocations.to_bytes())
    assert _resolve(FolderResolver(tmp_path)) == Resolved(discovery=discovery, revocations=revocations)


def test_a_folder_without_a_document_does_not_know_the_domain(tmp_path: Path) -> None:
    assert _resolve(FolderResolver(tmp_path)) is None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="cannot be opened"):
        _resolve(FolderResolver(tmp_path / "none"))


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, discovery: Discovery, kind: str) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "secret.json"
    folder.mkdir()
    outside.write_bytes(discovery.to_bytes())
    file = folder / "example.com.json"
    if kind == "link":
        file.symlink_to(outside)
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    with pytest.raises(ResolveError):
        _resolve(FolderResolver(folder))


@pytest.mark.parametrize("data", [b"\xff", b"{", b" " * 70_000], ids=["not-utf8", "not-json", "large"])
def test_a_file_that_is_no_document_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "example.com.json").write_bytes(data)
    with pytest.raises(MalformedError):
        _resolve(FolderResolver(tmp_path))


@pytest.fixture
def bundle(discovery: Discovery, revocations: KeyRevocations) -> TrustBundle:
    return TrustBundle.create([(HERE, discovery), (Domain("other.example"), discovery)], [revocations], NOW)


def test_a_bundle_gives_both_documents(bundle: TrustBundle, revocations: KeyRevocations) -> None:
    found = _resolve(BundleResolver(bundle))
    assert found is not None
    assert found.revocations == revocations


def test_a_bundle_answers_for_domains_without_revocations(bundle: TrustBundle) -> None:
    found = _resolve(BundleResolver(bundle), Domain("other.example"))
    assert found is not None
    assert found.revocations is not None
    assert found.revocations.revoked_keys == ()
    assert found.revocations.updated_at is not None
    assert found.revocations.updated_at.moment == NOW


def test_a_bundle_does_not_know_other_domains(bundle: TrustBundle) -> None:
    assert _resolve(BundleResolver(bundle), Domain("unknown.example")) is None


def test_a_signed_bundle_is_opened(bundle: TrustBundle, key: PrivateKey) -> None:
    signed = sign_bundle(bundle, key, "auth", NOW, expires_at=NOW + timedelta(days=1))
    pins = MemoryPins()
    assert verify_bundle(signed, pins, now=NOW).valid
    assert _resolve(open_bundle(signed.to_bytes(), pins, now=NOW)) is not None


@pytest.mark.parametrize("mode", Mode)
def test_opening_a_bundle_pins_no_authority_and_asks_nobody(bundle: TrustBundle, key: PrivateKey, mode: Mode) -> None:
    signed = sign_bundle(bundle, key, "auth", NOW)
    asked: list[Question] = []

    def decide(question: Question) -> Decision:
        asked.append(question)
        return Decision.ACCEPT

    pins = MemoryPins(mode=mode, decide=decide)
    with pytest.raises(ResolveError, match="pinned"):
        open_bundle(signed.to_bytes(), pins, now=NOW)
    assert (pins.pins(), asked) == ((), [])


@pytest.mark.parametrize("change", ["unsigned", "expired", "changed"])
def test_a_bundle_that_is_not_good_is_not_opened(bundle: TrustBundle, key: PrivateKey, change: str) -> None:
    signed = sign_bundle(bundle, key, "auth", NOW, expires_at=NOW + timedelta(days=1))
    data = bundle.to_bytes() if change == "unsigned" else signed.to_bytes()
    if change == "changed":
        data = data.replace(b"Dev Co", b"Evil")
    pins = MemoryPins()
    assert verify_bundle(signed, pins, now=NOW).valid
    with pytest.raises(ResolveError, match=r"bundle|signature"):
        open_bundle(data, pins, now=NOW + timedelta(days=2 if change == "expired" else 0))


def test_the_first_of_a_chain_that_knows_the_domain_gives_both_documents(
    discovery: Discovery, revocations: KeyRevocations
) -> None:
    bare, whole = Resolved(discovery=discovery), Resolved(discovery=discovery, revocations=revocations)
    assert _resolve(ChainResolver([_Fixed(None), _Fixed(bare), _Fixed(whole)])) is bare


def test_a_chain_passes_over_who_cannot_be_reached(discovery: Discovery) -> None:
    found = Resolved(discovery=discovery)
    assert _resolve(ChainResolver([_Fixed(FetchError("down")), _Fixed(found)])) is found


def test_a_chain_does_not_pass_over_a_wrong_answer(discovery: Discovery) -> None:
    with pytest.raises(MalformedError):
        _resolve(ChainResolver([_Fixed(MalformedError("d", "odd")), _Fixed(Resolved(discovery=discovery))]))


def test_a_chain_that_knows_nothing_says_who_could_not_be_reached() -> None:
    assert _resolve(ChainResolver([_Fixed(None)])) is None
    with pytest.raises(FetchError, match="down"):
        _resolve(ChainResolver([_Fixed(FetchError("down")), _Fixed(None)]))


Txt = Callable[[str], Sequence[Sequence[bytes]]]
FINGERPRINT = "sha256:" + "0a" * 32


def _record(answer: Sequence[Sequence[bytes]] | Exception, *, seconds: float = 5.0, wait: float = 0.0) -> object:
    async def lookup(name: str) -> Sequence[Sequence[bytes]]:
        assert name == "_schemapin.example.com"
        await asyncio.sleep(wait)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return asyncio.run(fetch_record(HERE, lookup=lookup, seconds=seconds))


def test_a_record_is_found_in_its_pieces() -> None:
    text = f"v=schemapin1; fp={FINGERPRINT}".encode()
    assert _record([[b"v=spf1"], [text[:20], text[20:]]]) == DnsRecord(FINGERPRINT)
    assert _record([]) is None


@pytest.mark.parametrize("answer", [[[b"v=schemapin1"]], [[b"\xff"]]], ids=["no-fp", "not-utf8"])
def test_a_record_that_is_none_is_an_error(answer: Sequence[Sequence[bytes]]) -> None:
    with pytest.raises(MalformedError):
        _record(answer)


def test_a_question_that_nobody_answers_ends() -> None:
    with pytest.raises(FetchError, match="longer than"):
        _record([], seconds=0.05, wait=20)


def test_documents_of_two_domains_are_two_files(tmp_path: Path, discovery: Discovery) -> None:
    for name in ("example.com", "other.example"):
        document = attrs.evolve(discovery, developer_name=name)
        (tmp_path / f"{name}.json").write_text(json.dumps(document.to_json()))
    found = _resolve(FolderResolver(tmp_path), Domain("other.example"))
    assert found is not None
    assert found.discovery.developer_name == "other.example"
