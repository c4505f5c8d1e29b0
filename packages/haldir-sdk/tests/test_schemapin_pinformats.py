import json
import sqlite3
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import DomainPolicy, Pin, PinError
from haldir_sdk.schemapin.pinformats import PinFormat, PinSet, read_pins, write_pins


@pytest.fixture
def pin(key: PrivateKey) -> Pin:
    return Pin(
        tool_id=ToolId("weather"),
        domain=Domain("example.com"),
        fingerprint=key.public_key.fingerprint,
        public_key_pem=key.public_key.to_pem().decode(),
        developer_name="Dev Co",
        pinned_at="2026-01-01T00:00:00Z",
        last_verified="2026-02-01T00:00:00Z",
    )


@pytest.mark.parametrize("form", [PinFormat.ROWS, PinFormat.JAVASCRIPT, PinFormat.SQLITE])
def test_a_format_with_keys_gives_back_what_was_written(pin: Pin, form: PinFormat) -> None:
    assert read_pins(write_pins(PinSet((pin,)), form)).pins == (pin,)


@pytest.mark.parametrize("form", [PinFormat.JAVASCRIPT, PinFormat.SQLITE])
def test_policies_are_written_too(pin: Pin, form: PinFormat) -> None:
    pins = PinSet((pin,), {Domain("bad.example"): DomainPolicy.NEVER_TRUST})
    assert read_pins(write_pins(pins, form)) == pins


def test_the_light_store_keeps_the_fingerprint(pin: Pin) -> None:
    data = write_pins(PinSet((pin,)), PinFormat.LIGHT)
    assert json.loads(data) == {"weather@example.com": pin.fingerprint}
    (read,) = read_pins(data).pins
    assert (read.tool_id, read.domain, read.fingerprint) == ("weather", "example.com", pin.fingerprint)


def test_the_light_store_splits_at_the_last_at_sign(pin: Pin) -> None:
    (read,) = read_pins(json.dumps({"a@b@example.com": pin.fingerprint}).encode()).pins
    assert (read.tool_id, read.domain) == ("a@b", "example.com")


def test_the_authority_of_a_bundle_is_read_from_the_light_store(pin: Pin) -> None:
    (read,) = read_pins(json.dumps({"auth-2026@_bundle_authority": pin.fingerprint}).encode()).pins
    assert read.domain == "_bundle_authority"


def test_the_list_of_rust_keeps_several_keys(pin: Pin, other_key: PrivateKey) -> None:
    second = attrs.evolve(pin, fingerprint=other_key.public_key.fingerprint)
    read = read_pins(write_pins(PinSet((pin, second)), PinFormat.RUST)).pins
    assert [one.fingerprint for one in read] == [pin.fingerprint, second.fingerprint]
    assert read[0].pinned_at == "2026-01-01T00:00:00Z"


def test_the_database_of_the_python_sdk_is_read(pin: Pin, tmp_path: Path) -> None:
    path = tmp_path / "pinned_keys.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE pinned_keys (tool_id TEXT PRIMARY KEY, public_key_pem TEXT NOT NULL, domain TEXT NOT NULL,"
        " developer_name TEXT, pinned_at TEXT NOT NULL, last_verified TEXT)"
    )
    connection.execute(
        "CREATE TABLE domain_policies (domain TEXT PRIMARY KEY, policy TEXT NOT NULL, created_at TEXT NOT NULL)"
    )
    connection.execute(
        "INSERT INTO pinned_keys VALUES (?, ?, ?, NULL, '2026-01-01', NULL)",
        (pin.tool_id, pin.public_key_pem, pin.domain),
    )
    connection.execute("INSERT INTO domain_policies VALUES ('bad.example', 'never_trust', '')")
    connection.commit()
    connection.close()
    read = read_pins(path.read_bytes())
    assert [(one.tool_id, one.fingerprint) for one in read.pins] == [(pin.tool_id, pin.fingerprint)]
    assert read.policies == {"bad.example": DomainPolicy.NEVER_TRUST}


def test_the_same_key_with_other_white_space_is_the_same_pin(pin: Pin) -> None:
    row = json.loads(write_pins(PinSet((pin,)), PinFormat.ROWS))[0]
    assert read_pins(json.dumps([row, row | {"public_key_pem": f"\n{pin.public_key_pem}\n"}]).encode()).pins == (pin,)


@pytest.mark.parametrize("form", [PinFormat.ROWS, PinFormat.JAVASCRIPT, PinFormat.SQLITE])
def test_a_tool_of_two_domains_does_not_fit_where_the_tool_id_is_the_key(pin: Pin, form: PinFormat) -> None:
    other = attrs.evolve(pin, domain=Domain("other.example"))
    with pytest.raises(PinError, match="several pins"):
        write_pins(PinSet((pin, other)), form)


def test_two_keys_do_not_fit_into_the_light_store(pin: Pin, other_key: PrivateKey) -> None:
    second = attrs.evolve(pin, fingerprint=other_key.public_key.fingerprint)
    with pytest.raises(PinError, match="several keys"):
        write_pins(PinSet((pin, second)), PinFormat.LIGHT)


def test_a_fingerprint_alone_does_not_fit_where_the_key_is_needed(pin: Pin) -> None:
    with pytest.raises(PinError, match="needs the key"):
        write_pins(PinSet((attrs.evolve(pin, public_key_pem=""),)), PinFormat.ROWS)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"5",
        b"[5]",
        b"[{}]",
        b'[{"tool_id": "t", "domain": "example.com", "public_key_pem": "x"}]',
        b'[{"tool_id": "t", "domain": "example.com", "pinned_keys": 5}]',
        b'[{"tool_id": "t", "domain": "example.com", "pinned_keys": [5]}]',
        b'[{"tool_id": "t", "domain": "example.com", "pinned_keys": [{"fingerprint": "sha256:ab"}]}]',
        b'{"t": "sha256:ab"}',
        b'{"t@example.com": 5}',
        b'{"t@example.com": "sha256:ab"}',
        b'{"t@..": "sha256:' + b"a" * 64 + b'"}',
        b'{"pinned_keys": {"t": 5}}',
        b'{"pinned_keys": {}, "domain_policies": {"example.com": "trust_me"}}',
        b'{"pinned_keys": {}, "domain_policies": 5}',
        b"SQLite format 3\x00",
        b"SQLite format 3\x00" + b"\xff" * 2000,
    ],
    ids=lambda value: value[:48].decode("ascii", "replace"),
)
def test_what_are_no_pins_of_any_sdk_is_refused_whole(value: bytes) -> None:
    with pytest.raises(MalformedError):
        read_pins(value)


def test_an_empty_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE x (y)")
    connection.commit()
    connection.close()
    with pytest.raises(MalformedError, match="not one of the Python SDK"):
        read_pins(path.read_bytes())


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"pinned_keys": {}}'])
def test_no_pins_are_no_pins(data: bytes) -> None:
    assert read_pins(data) == PinSet()


@given(st.binary(max_size=300).map(lambda data: b"SQLite format 3\x00" + data) | st.binary(max_size=300))
def test_no_bytes_crash_the_reading(data: bytes) -> None:
    try:
        read_pins(data)
    except MalformedError:
        return
