import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import TrustStore

Run = Callable[..., tuple[int, str, str]]

IDENTITY = "https://issuer.example=me@example.org"


@pytest.fixture
def store(home: Path) -> Callable[[], TrustStore]:
    """Return the user's own store as it is on disk."""
    return lambda: TrustStore.from_bytes((home / "trust.json").read_bytes())


@pytest.fixture
def keyid(keys: Path) -> str:
    return (keys / "publisher.keyid").read_text(encoding="ascii")


def test_a_key_is_trusted_as_publisher_unless_said_otherwise(
    run: Run, keys: Path, store: Callable[[], TrustStore], keyid: str
) -> None:
    code, out, err = run("trust", "add", "--key", keys / "publisher.pub")
    assert (code, out) == (0, "")
    assert f"Trusted as publisher: key {keyid}" in err
    assert [(stored.key.keyid, stored.role) for stored in store().keys] == [(keyid, "publisher")]


@pytest.mark.parametrize("role", ["publisher", "authority", "revocation"])
def test_a_key_is_trusted_in_the_role_that_is_named(
    run: Run, keys: Path, store: Callable[[], TrustStore], role: str
) -> None:
    assert run("trust", "add", "--key", keys / "publisher.pub", "--role", role)[0] == 0
    assert [stored.role for stored in store().keys] == [role]


def test_a_key_can_have_two_roles(run: Run, keys: Path, store: Callable[[], TrustStore]) -> None:
    for role in ("publisher", "revocation"):
        run("trust", "add", "--key", keys / "publisher.pub", "--role", role)
    assert [stored.role for stored in store().keys] == ["publisher", "revocation"]


def test_a_key_that_is_there_in_that_role_is_not_added_again(
    run: Run, keys: Path, store: Callable[[], TrustStore]
) -> None:
    for _ in range(2):
        assert run("trust", "add", "--key", keys / "publisher.pub")[0] == 0
    assert len(store().keys) == 1


def test_an_identity_is_kept_with_issuer_and_subject(run: Run, store: Callable[[], TrustStore]) -> None:
    assert run("trust", "add", "--identity", IDENTITY, "--role", "authority")[0] == 0
    known = store().identities[0]
    assert (known.issuer, known.subject, known.role) == ("https://issuer.example", "me@example.org", "authority")


def test_only_the_owner_can_read_the_store(run: Run, keys: Path, home: Path) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    assert stat.S_IMODE((home / "trust.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_change_keeps_the_store_unreadable_for_others(run: Run, keys: Path, home: Path) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    (home / "trust.json").chmod(0o644)
    run("trust", "add", "--key", keys / "authority.pub")
    assert stat.S_IMODE((home / "trust.json").stat().st_mode) == 0o600


def test_a_production_store_refuses_a_staging_key(run: Run, keys: Path, store: Callable[[], TrustStore]) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    code, _, err = run("trust", "add", "--key", keys / "authority.pub", "--environment", "staging")
    assert (code, len(store().keys)) == (2, 1)
    assert "production store" in err


def test_a_store_that_begins_with_a_staging_key_is_a_staging_store(run: Run, keys: Path) -> None:
    store = ("--trust-store", "staging.json")
    assert run("trust", "add", *store, "--key", keys / "publisher.pub", "--environment", "staging")[0] == 0
    assert json.loads(run("trust", "list", *store, "--json")[1])["environment"] == "staging"
    assert run("trust", "add", *store, "--key", keys / "authority.pub")[0] == 2


@pytest.mark.parametrize("command", ["add", "remove"])
@pytest.mark.parametrize("options", [(), ("--key", "publisher.pub", "--identity", IDENTITY)], ids=["neither", "both"])
def test_one_of_key_and_identity_must_be_given(
    run: Run, keys: Path, home: Path, monkeypatch: pytest.MonkeyPatch, command: str, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(keys)
    code, _, err = run("trust", command, *options)
    assert (code, (home / "trust.json").exists()) == (2, False)
    assert "one of them" in err


@pytest.mark.parametrize("identity", ["", "noequals", "=subject", "issuer=", "="])
@pytest.mark.parametrize("command", ["add", "remove"])
def test_an_identity_has_issuer_and_subject(run: Run, command: str, identity: str) -> None:
    code, _, err = run("trust", command, "--identity", identity)
    assert code == 2
    assert "ISSUER=SUBJECT" in err


@pytest.mark.parametrize("option", [("--role", "admin"), ("--environment", "test")], ids=["role", "environment"])
def test_an_unknown_role_or_environment_is_a_usage_error(run: Run, keys: Path, option: tuple[str, str]) -> None:
    assert run("trust", "add", "--key", keys / "publisher.pub", *option)[0] == 2


def test_list_shows_role_id_environment_and_the_name_of_the_file(run: Run, keys: Path, keyid: str) -> None:
    run("trust", "add", "--key", keys / "publisher.pub", "--role", "authority")
    run("trust", "add", "--identity", IDENTITY)
    code, out, _ = run("trust", "list")
    first, second = out.splitlines()
    assert code == 0
    assert all(word in first for word in ("authority", keyid, "production", "publisher.pub"))
    assert all(word in second for word in ("publisher", IDENTITY, "production"))


def test_list_of_an_empty_store_says_how_to_begin(run: Run, home: Path) -> None:
    code, out, err = run("trust", "list")
    assert (code, out, home.exists()) == (0, "", False)
    assert "haldir trust add" in err


def test_list_as_json_is_the_store(run: Run, keys: Path, home: Path) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    assert json.loads(run("trust", "list", "--json")[1]) == json.loads((home / "trust.json").read_bytes())


def test_the_json_of_an_empty_store_is_a_store(run: Run) -> None:
    assert TrustStore.from_bytes(run("trust", "list", "--json")[1].encode()) == TrustStore()


@pytest.mark.parametrize("by", ["keyid", "file"])
def test_a_removed_key_has_no_role_left(
    run: Run, keys: Path, store: Callable[[], TrustStore], keyid: str, by: str
) -> None:
    for role in ("publisher", "revocation"):
        run("trust", "add", "--key", keys / "publisher.pub", "--role", role)
    run("trust", "add", "--key", keys / "authority.pub")
    which = (keyid,) if by == "keyid" else ("--key", keys / "publisher.pub")
    code, _, err = run("trust", "remove", *which)
    assert (code, len(store().keys)) == (0, 1)
    assert f"No longer trusted: key {keyid}" in err


def test_a_removed_identity_is_gone(run: Run, store: Callable[[], TrustStore]) -> None:
    run("trust", "add", "--identity", IDENTITY)
    assert run("trust", "remove", "--identity", IDENTITY)[0] == 0
    assert store().identities == ()


@pytest.mark.parametrize(
    "what", [("0" * 32,), ("",), ("--identity", IDENTITY)], ids=["unknown-key", "empty", "unknown-identity"]
)
def test_what_is_not_there_cannot_be_removed(run: Run, keys: Path, home: Path, what: tuple[str, ...]) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    before = (home / "trust.json").read_bytes()
    assert run("trust", "remove", *what)[0] == 2
    assert (home / "trust.json").read_bytes() == before


def test_a_key_id_and_an_option_are_one_too_many(run: Run, keys: Path, keyid: str) -> None:
    assert run("trust", "remove", keyid, "--key", keys / "publisher.pub")[0] == 2


@pytest.mark.parametrize("command", ["add", "list", "remove"])
def test_a_damaged_store_stays_as_it_is(run: Run, keys: Path, home: Path, command: str) -> None:
    home.mkdir()
    (home / "trust.json").write_text("{", encoding="ascii")
    options = () if command == "list" else ("--key", keys / "publisher.pub")
    assert run("trust", command, *options)[0] == 2
    assert (home / "trust.json").read_text(encoding="ascii") == "{"


@pytest.mark.parametrize("key", ["none.pub", "."], ids=["missing", "folder"])
def test_a_key_that_cannot_be_read_is_exit_2(run: Run, keys: Path, key: str) -> None:
    assert run("trust", "add", "--key", keys / key)[0] == 2


def test_a_named_store_needs_its_folder(run: Run, keys: Path) -> None:
    code, _, err = run("trust", "add", "--key", keys / "publisher.pub", "--trust-store", "nowhere/trust.json")
    assert code == 2
    assert "nowhere" in err


def test_a_named_store_that_is_missing_cannot_be_listed(run: Run) -> None:
    assert run("trust", "list", "--trust-store", "none.json")[0] == 2


def test_a_named_store_leaves_the_own_one_alone(run: Run, keys: Path, home: Path, work: Path) -> None:
    run("trust", "add", "--key", keys / "publisher.pub", "--trust-store", "other.json")
    assert ((work / "other.json").exists(), home.exists()) == (True, False)


def test_trust_alone_shows_its_help(run: Run) -> None:
    code, out, err = run("trust")
    assert code == 2
    assert all(word in out + err for word in ("add", "list", "remove"))
