import base64
import json
from datetime import datetime

import pytest

from haldir_core import (
    Environment,
    Keyring,
    KeyRole,
    MalformedError,
    PrivateKey,
    StoredIdentity,
    StoredKey,
    Timestamp,
    TrustError,
    TrustStore,
    UnsupportedVersionError,
)

KEY = PrivateKey.from_seed(b"k" * 32).public_key
OTHER = PrivateKey.from_seed(b"o" * 32).public_key
STAMP = Timestamp.parse("2026-01-31T12:00:00.000Z")


def _stored(
    key: object = KEY,
    role: KeyRole = KeyRole.PUBLISHER,
    environment: Environment = Environment.PRODUCTION,
    note: str = "",
) -> StoredKey:
    assert isinstance(key, type(KEY))
    return StoredKey.of(key, role, environment, added_at=STAMP, note=note)


def _identity(
    subject: str = "someone", role: KeyRole = KeyRole.PUBLISHER, environment: Environment = Environment.PRODUCTION
) -> StoredIdentity:
    return StoredIdentity(
        issuer="https://issuer.example", subject=subject, role=role, environment=environment, added_at=STAMP
    )


def _members(*, keys: object = (), identities: object = (), **changes: object) -> bytes:
    members = {"schema_version": "1.0", "environment": "production", "keys": keys, "identities": identities, **changes}
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def _entry(**changes: object) -> dict[str, object]:
    entry = {
        "public_key": base64.b64encode(KEY.spki).decode(),
        "role": "publisher",
        "environment": "production",
        "added_at": STAMP.text,
        **changes,
    }
    return {name: value for name, value in entry.items() if value is not ...}


def test_a_key_is_found_for_its_roles_only() -> None:
    ring = Keyring.of([(KEY, KeyRole.PUBLISHER)])

    assert ring.find(KEY.keyid, (KeyRole.PUBLISHER, KeyRole.AUTHORITY)) == KEY
    assert ring.find(KEY.keyid, (KeyRole.REVOCATION,)) is None
    assert ring.find(KEY.keyid, ()) is None
    assert ring.has_role(KEY.keyid, KeyRole.PUBLISHER)
    assert not ring.has_role(KEY.keyid, KeyRole.AUTHORITY)


@pytest.mark.parametrize("keyid", ["", "constructor", KEY.keyid.upper(), KEY.keyid[:-1], KEY.keyid + "\n"], ids=ascii)
def test_another_id_finds_nothing(keyid: str) -> None:
    assert Keyring.of([(KEY, KeyRole.PUBLISHER)]).find(keyid, list(KeyRole)) is None


def test_an_empty_ring_trusts_nobody() -> None:
    assert Keyring().find(KEY.keyid, list(KeyRole)) is None


def test_a_key_that_comes_twice_has_both_roles() -> None:
    ring = Keyring.of([(KEY, KeyRole.PUBLISHER), (OTHER, KeyRole.PUBLISHER), (KEY, KeyRole.REVOCATION)])

    assert ring.keys[KEY.keyid].roles == {KeyRole.PUBLISHER, KeyRole.REVOCATION}
    assert ring.keys[OTHER.keyid].roles == {KeyRole.PUBLISHER}


def test_a_ring_is_narrowed_to_keys_of_a_role_with_all_their_roles() -> None:
    ring = Keyring.of([(KEY, KeyRole.PUBLISHER), (OTHER, KeyRole.AUTHORITY), (KEY, KeyRole.REVOCATION)])

    narrowed = ring.with_role((KeyRole.REVOCATION,))

    assert list(narrowed.keys) == [KEY.keyid]
    assert narrowed.has_role(KEY.keyid, KeyRole.PUBLISHER)


def test_a_store_survives_writing_and_reading() -> None:
    store = TrustStore().add(_stored(note="gr\u00fcn")).add(_stored(OTHER, KeyRole.REVOCATION)).add(_identity())

    assert TrustStore.from_bytes(store.to_bytes()) == store
    assert json.loads(store.to_bytes())["keys"][0]["keyid"] == KEY.keyid


def test_a_staging_store_survives_writing_and_reading() -> None:
    store = TrustStore(environment=Environment.STAGING).add(_stored(environment=Environment.STAGING))

    read = TrustStore.from_bytes(store.to_bytes())

    assert read == store
    assert read.environment is Environment.STAGING


def test_a_store_may_be_empty() -> None:
    assert TrustStore.from_bytes(b'{"schema_version": "1.0"}') == TrustStore()


def test_the_ring_of_a_store_holds_its_keys_with_their_roles() -> None:
    store = TrustStore().add(_stored()).add(_stored(role=KeyRole.REVOCATION)).add(_stored(OTHER, KeyRole.AUTHORITY))

    assert store.keyring() == Keyring.of(
        [(KEY, KeyRole.PUBLISHER), (KEY, KeyRole.REVOCATION), (OTHER, KeyRole.AUTHORITY)]
    )


def test_an_entry_that_is_there_already_changes_nothing() -> None:
    store = TrustStore().add(_stored()).add(_identity())

    assert store.add(_stored(note="again")) is store
    assert store.add(_identity()) is store


def test_an_entry_in_another_role_is_another_entry() -> None:
    store = TrustStore().add(_stored()).add(_identity())

    store = store.add(_stored(role=KeyRole.AUTHORITY)).add(_identity(role=KeyRole.AUTHORITY))

    assert (len(store.keys), len(store.identities)) == (2, 2)


def test_a_store_takes_entries_of_its_environment_only() -> None:
    with pytest.raises(TrustError, match="a production store: it takes no staging key"):
        TrustStore().add(_stored(environment=Environment.STAGING))
    with pytest.raises(TrustError, match="a staging store: it takes no production key"):
        TrustStore(environment=Environment.STAGING).add(_identity())


def test_a_key_is_removed_in_every_role() -> None:
    store = TrustStore().add(_stored()).add(_stored(role=KeyRole.REVOCATION)).add(_stored(OTHER))

    assert store.remove_key(KEY.keyid).keys == (_stored(OTHER),)


def test_an_identity_is_removed_by_issuer_and_subject() -> None:
    store = TrustStore().add(_identity()).add(_identity(role=KeyRole.AUTHORITY)).add(_identity("other"))

    assert store.remove_identity("https://issuer.example", "someone").identities == (_identity("other"),)


def test_what_is_not_there_cannot_be_removed() -> None:
    store = TrustStore().add(_stored()).add(_identity())

    with pytest.raises(TrustError, match=f"no key {OTHER.keyid}"):
        store.remove_key(OTHER.keyid)
    with pytest.raises(TrustError, match="no identity https://other=someone"):
        store.remove_identity("https://other", "someone")


@pytest.mark.parametrize("public_key", ["spki", "spki-url", "spki-unpadded"])
def test_the_key_of_an_entry_is_read_in_any_strict_base64(public_key: str) -> None:
    text = {
        "spki": base64.b64encode(KEY.spki),
        "spki-url": base64.urlsafe_b64encode(KEY.spki),
        "spki-unpadded": base64.b64encode(KEY.spki).rstrip(b"="),
    }[public_key]

    assert TrustStore.from_bytes(_members(keys=[_entry(public_key=text.decode())])).keys[0].key == KEY


@pytest.mark.parametrize(
    "spki",
    [
        b"",
        KEY.raw,
        KEY.spki[:-1],
        KEY.spki + b"\0",
        b"\0" + KEY.spki,
        b"\x31" + KEY.spki[1:],
        KEY.spki[:12] + bytes(32),
    ],
    ids=["empty", "raw", "short", "long", "prefixed", "other-tag", "small-order"],
)
def test_a_store_with_a_key_that_is_not_admitted_is_refused(spki: bytes) -> None:
    with pytest.raises(MalformedError, match="trust store: public_key"):
        TrustStore.from_bytes(_members(keys=[_entry(public_key=base64.b64encode(spki).decode())]))


def test_a_store_with_entries_of_another_environment_is_refused() -> None:
    with pytest.raises(MalformedError, match="a production store holds a staging entry"):
        TrustStore.from_bytes(_members(keys=[_entry(environment="staging")]))
    with pytest.raises(MalformedError, match="a staging store holds a production entry"):
        TrustStore.from_bytes(_members(keys=[_entry()], environment="staging"))


@pytest.mark.parametrize(
    "data",
    [
        _members(keys=None),
        _members(keys={}),
        _members(keys=[None]),
        _members(environment="test"),
        _members(environment=None),
        _members(keys=[_entry(role="admin")]),
        _members(keys=[_entry(role=["publisher"])]),
        _members(keys=[_entry(role=...)]),
        _members(keys=[_entry(environment="Production")]),
        _members(keys=[_entry(environment=...)]),
        _members(keys=[_entry(added_at="now")]),
        _members(keys=[_entry(note=None)]),
        _members(keys=[_entry(note=1)]),
        _members(keys=[_entry(public_key="not base64!")]),
        _members(identities=[{"issuer": "a", "subject": "b", "role": "publisher", "added_at": STAMP.text}]),
    ],
    ids=range(15),
)
def test_what_is_no_trust_store_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^trust store: "):
        TrustStore.from_bytes(data)


@pytest.mark.parametrize("member", ["issuer", "subject"])
def test_an_identity_has_both_issuer_and_subject(member: str) -> None:
    store = json.loads(TrustStore().add(_identity()).to_bytes())
    store["identities"][0][member] = ""

    with pytest.raises(MalformedError, match=member):
        TrustStore.from_bytes(json.dumps(store).encode())


def test_another_version_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedVersionError):
        TrustStore.from_bytes(_members(schema_version="2.0"))


def test_a_note_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(MalformedError, match="half of a surrogate pair"):
        TrustStore().add(_stored(note="\udcff")).to_bytes()


def test_the_time_of_an_entry_is_kept(now: datetime) -> None:
    store = TrustStore.from_bytes(_members(keys=[_entry()]))

    assert store.keys[0].added_at.moment == now
