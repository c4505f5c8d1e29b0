import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin.discovery import Discovery, read_fingerprint, well_known_url
from haldir_core.schemapin.domains import Domain

FINGERPRINT = "sha256:" + "0a" * 32


@pytest.fixture
def members(vectors: Path) -> dict[str, Any]:
    keys = json.loads((vectors / "schemapin" / "keys.json").read_bytes())
    return {
        "schema_version": "1.2",
        "developer_name": "Dev Co",
        "public_key_pem": keys["dev"]["public_key_pem"],
        "revoked_keys": [],
    }


def _bytes(members: object) -> bytes:
    return json.dumps(members).encode()


def test_a_document_is_read_whole(members: dict[str, Any]) -> None:
    document = Discovery.from_bytes(_bytes(members | {"contact": "c", "revocation_endpoint": "https://e.example/r"}))
    assert (document.developer_name, document.contact) == ("Dev Co", "c")
    assert document.revocation_endpoint == "https://e.example/r"


def test_unknown_members_are_kept_beside(members: dict[str, Any]) -> None:
    assert Discovery.from_bytes(_bytes(members | {"public_keys": [1]})).members["public_keys"] == [1]


def test_what_is_written_is_read_again(members: dict[str, Any]) -> None:
    document = Discovery.from_bytes(_bytes(members))
    assert Discovery.from_bytes(document.to_bytes()) == document


@pytest.mark.parametrize(
    "change",
    [
        {"public_key_pem": None},
        {"public_key_pem": ""},
        {"public_key_pem": "abc"},
        {"public_key_pem": 1},
        {"schema_version": 1.2},
        {"developer_name": []},
        {"revoked_keys": {}},
        {"revoked_keys": [1]},
        {"revoked_keys": [FINGERPRINT] * 10_001},
        {"contact": 7},
        {"revocation_endpoint": {}},
        {"revocation_endpoint": "x" * 20_000},
    ],
    ids=lambda change: f"{next(iter(change))}-{str(next(iter(change.values())))[:12]}",
)
def test_a_document_that_is_none_is_refused(members: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        Discovery.from_json(members | change)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b"[" * 9000])
def test_bytes_that_are_no_object_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Discovery.from_bytes(data)


def test_a_document_larger_than_its_limit_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="larger"):
        Discovery.from_bytes(_bytes(members | {"x": "y" * 70_000}))


def test_what_a_server_gives_must_declare_its_version(members: dict[str, Any]) -> None:
    del members["schema_version"]
    assert Discovery.from_bytes(_bytes(members)).schema_version is None
    with pytest.raises(MalformedError, match="schema_version"):
        Discovery.from_server(_bytes(members))


@pytest.mark.parametrize(
    ("version", "warned"),
    [("1.0", True), ("1.1", True), ("1", True), ("1.2", False), ("1.10", False), ("9.9", False), ("10.0", False)],
)
def test_versions_are_compared_as_numbers(members: dict[str, Any], version: str, *, warned: bool) -> None:
    assert bool(Discovery.from_json(members | {"schema_version": version}).version_warnings()) is warned


def test_a_version_that_is_none_is_warned_about(members: dict[str, Any]) -> None:
    assert "no version" in Discovery.from_json(members | {"schema_version": "new"}).version_warnings()[0]


@pytest.mark.parametrize(
    "entry",
    [FINGERPRINT, FINGERPRINT.upper(), "0a" * 32, "0A" * 32, f"  {FINGERPRINT}\n"],
    ids=["exact", "capitals", "digits", "capital-digits", "spaces"],
)
def test_a_key_is_revoked_however_its_fingerprint_is_written(members: dict[str, Any], entry: str) -> None:
    assert Discovery.from_json(members | {"revoked_keys": ["sha256:xx", entry]}).revokes(FINGERPRINT)


def test_one_text_instead_of_a_list_revokes_that_key(members: dict[str, Any]) -> None:
    assert Discovery.from_json(members | {"revoked_keys": FINGERPRINT}).revokes(FINGERPRINT)


def test_part_of_a_fingerprint_revokes_nothing(members: dict[str, Any]) -> None:
    assert not Discovery.from_json(members | {"revoked_keys": f"{FINGERPRINT}00"}).revokes(FINGERPRINT)
    assert read_fingerprint("sha256:ab") is None


def test_the_address_of_a_document_is_made_of_its_domain() -> None:
    assert well_known_url(Domain("a.example")) == "https://a.example/.well-known/schemapin.json"


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Discovery.from_bytes(data)
