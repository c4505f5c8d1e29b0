import json
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import (
    DecodeError,
    Envelope,
    MalformedError,
    PrivateKey,
    Signature,
    SigningError,
    UnsupportedVersionError,
)
from haldir_core.encoding import encode_base64url
from haldir_core.envelope import MAX_SIGNATURES, PAYLOAD_TYPE, pre_authentication_encoding

KEY = PrivateKey.from_seed(b"k" * 32)
OTHER = PrivateKey.from_seed(b"o" * 32)


def _members(**changes: object) -> bytes:
    members = {
        "schema_version": "1.0",
        "payloadType": PAYLOAD_TYPE,
        "payload": "e30",
        "signatures": [{"keyid": "k", "sig": "AAAA"}],
        **changes,
    }
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@given(payload=st.binary(min_size=1, max_size=100))
def test_an_envelope_survives_writing_and_reading(payload: bytes) -> None:
    envelope = Envelope.sign(payload, KEY).append_signature(OTHER)

    assert Envelope.from_bytes(envelope.to_bytes()) == envelope
    assert envelope.payload_bytes() == payload


@given(
    kind=st.text(max_size=20),
    payload=st.binary(max_size=20),
    other=st.tuples(st.text(max_size=20), st.binary(max_size=20)),
)
def test_two_payloads_never_have_the_same_signed_bytes(kind: str, payload: bytes, other: tuple[str, bytes]) -> None:
    same = pre_authentication_encoding(kind, payload) == pre_authentication_encoding(*other)

    assert same == ((kind, payload) == other)


JUNK = [Signature(OTHER.keyid, sig) for sig in ("AA", "not base64", "A" * 86, OTHER.public_key.keyid)]


@pytest.mark.parametrize("junk", [JUNK[:1], JUNK[1:2], JUNK[2:3], JUNK], ids=["short", "no-base64", "wrong", "several"])
def test_a_signature_gives_way_that_somebody_put_under_the_id_of_the_signer(junk: list[Signature]) -> None:
    envelope = Envelope.sign(b"payload", KEY)
    first = envelope.signatures

    signed = attrs.evolve(envelope, signatures=(*junk, *first)).append_signature(OTHER)

    assert signed == envelope.append_signature(OTHER)


def test_a_signature_that_verifies_is_not_doubled_whatever_stands_beside_it() -> None:
    envelope = Envelope.sign(b"payload", KEY).append_signature(OTHER)

    for signatures in ((*JUNK, *envelope.signatures), (*envelope.signatures, *JUNK)):
        with pytest.raises(SigningError, match=f"key {OTHER.keyid} has already signed"):
            attrs.evolve(envelope, signatures=signatures).append_signature(OTHER)


def test_a_signature_that_gives_way_makes_room_in_a_full_envelope() -> None:
    envelope = Envelope.sign(b"payload", KEY)
    junk = tuple(Signature(f"key {number}", "AA") for number in range(MAX_SIGNATURES - 2))

    full = attrs.evolve(envelope, signatures=(*envelope.signatures, *junk, JUNK[0]))

    assert len(full.append_signature(OTHER).signatures) == MAX_SIGNATURES


def test_lengths_count_bytes() -> None:
    assert pre_authentication_encoding("\u00e9", b"ab c") == b"DSSEv1 2 \xc3\xa9 4 ab c"


def test_every_signature_is_over_the_signed_bytes() -> None:
    envelope = Envelope.sign(b"payload", KEY).append_signature(OTHER)

    for key, signature in zip((KEY, OTHER), envelope.signatures, strict=True):
        assert signature.keyid == key.keyid
        assert key.public_key.verifies(signature.to_bytes(), envelope.signed_bytes())
        assert not key.public_key.verifies(signature.to_bytes(), b"payload")


def test_members_are_written_in_the_order_of_the_specification() -> None:
    lines = Envelope.sign(b"{}", KEY).to_bytes().decode().splitlines()

    assert lines[:4] == [
        "{",
        '  "schema_version": "1.0",',
        f'  "payloadType": "{PAYLOAD_TYPE}",',
        '  "payload": "e30",',
    ]
    assert lines[5:7] == ["    {", f'      "keyid": "{KEY.keyid}",']


def test_unknown_members_are_left_out() -> None:
    envelope = Envelope.from_bytes(_members(extra=1, signatures=[{"keyid": "k", "sig": "AAAA", "extra": 1}]))

    assert envelope.signatures == (Signature("k", "AAAA"),)
    assert "extra" not in envelope.to_bytes().decode()


@pytest.mark.parametrize("form", ["e30=", "e30"])
def test_a_further_signature_keeps_the_text_of_the_payload(form: str) -> None:
    envelope = Envelope.from_bytes(_members(payload=form)).append_signature(KEY)

    assert envelope.payload == form
    assert envelope.signatures[0] == Signature("k", "AAAA")
    assert KEY.public_key.verifies(envelope.signatures[1].to_bytes(), envelope.signed_bytes())


def test_a_key_signs_once() -> None:
    with pytest.raises(SigningError, match=f"key {KEY.keyid} has already signed"):
        Envelope.sign(b"{}", KEY).append_signature(KEY)


def test_there_are_at_most_100_signatures() -> None:
    entries = [{"keyid": str(number), "sig": "AAAA"} for number in range(MAX_SIGNATURES)]
    full = Envelope.from_bytes(_members(signatures=entries))

    with pytest.raises(SigningError, match="100 signatures"):
        full.append_signature(KEY)
    with pytest.raises(MalformedError, match="signatures"):
        Envelope.from_bytes(_members(signatures=[*entries, {"keyid": "x", "sig": "AAAA"}]))


def test_what_cannot_be_decoded_cannot_be_signed() -> None:
    with pytest.raises(DecodeError):
        Envelope.from_bytes(_members(payload="e3 0")).append_signature(KEY)


@pytest.mark.parametrize("read", [Envelope.payload_bytes, Envelope.signed_bytes], ids=["payload", "signed"])
def test_a_payload_of_junk_does_not_decode(read: Callable[[Envelope], bytes]) -> None:
    with pytest.raises(DecodeError):
        read(Envelope.from_bytes(_members(payload="#")))


@pytest.mark.parametrize("version", ["2.0", "1", "1.0 ", "1.00", "", "\u0661.0"])
def test_another_version_is_refused_as_such(version: str) -> None:
    with pytest.raises(UnsupportedVersionError, match=r"signature\.json: schema_version .* is not 1\.0"):
        Envelope.from_bytes(_members(schema_version=version))


@pytest.mark.parametrize("version", [..., None, 1, 1.0, ["1.0"]], ids=["missing", "null", "int", "float", "list"])
def test_a_version_that_is_no_text_is_malformed(version: object) -> None:
    with pytest.raises(MalformedError, match="schema_version must be a text") as caught:
        Envelope.from_bytes(_members(schema_version=version))

    assert not isinstance(caught.value, UnsupportedVersionError)


@pytest.mark.parametrize(
    "changes",
    [
        {"payloadType": ...},
        {"payloadType": "application/vnd.in-toto+json"},
        {"payloadType": PAYLOAD_TYPE.upper()},
        {"payloadType": [PAYLOAD_TYPE]},
        {"payload": ...},
        {"payload": ""},
        {"payload": None},
        {"payload": 5},
        {"payload": ["e30"]},
        {"signatures": ...},
        {"signatures": []},
        {"signatures": None},
        {"signatures": {"keyid": "k", "sig": "AAAA"}},
        {"signatures": ["k"]},
        {"signatures": [[]]},
        {"signatures": [None]},
        {"signatures": "ks"},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": [{"sig": "AAAA"}]},
        {"signatures": [{"keyid": "", "sig": "AAAA"}]},
        {"signatures": [{"keyid": "k", "sig": ""}]},
        {"signatures": [{"keyid": 1, "sig": "AAAA"}]},
        {"signatures": [{"keyid": "k", "sig": "AAAA"}, {"keyid": "k"}]},
    ],
    ids=ascii,
)
def test_what_is_no_envelope_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^signature\.json: "):
        Envelope.from_bytes(_members(**changes))


def test_base64_of_both_alphabets_holds_the_same_signature() -> None:
    signature = KEY.sign(b"x")
    url = encode_base64url(signature)

    assert Signature("k", url.replace("-", "+").replace("_", "/")).to_bytes() == signature
