import json
from collections.abc import Callable
from typing import Any

import pytest

from haldir_core import MalformedError, PrivateKey, SigningError, UnsupportedVersionError
from haldir_core.encoding import encode_base64url
from haldir_core.envelope import Envelope
from haldir_core.signedrules import MAX_BUNDLE_BYTES, SignedRules

BUNDLE = b'{"schema":"haldir-rules/1"}'
AUTHOR, STRANGER = (PrivateKey.from_seed(letter * 32) for letter in (b"a", b"s"))


@pytest.fixture
def changed() -> Callable[..., SignedRules]:
    """Return a signed bundle with some members of the document replaced."""

    def make(**members: Any) -> SignedRules:  # noqa: ANN401 - a JSON value
        document = json.loads(SignedRules.sign(BUNDLE, AUTHOR).to_bytes())
        return SignedRules.from_bytes(json.dumps(document | members).encode())

    return make


def test_a_signed_bundle_is_opened_with_the_key_that_signed() -> None:
    read = SignedRules.from_bytes(SignedRules.sign(BUNDLE, AUTHOR).to_bytes())
    assert read.payload_bytes() == BUNDLE
    assert read.signer_among([STRANGER.public_key, AUTHOR.public_key]) == AUTHOR.keyid


def test_another_key_does_not_open_it() -> None:
    assert SignedRules.sign(BUNDLE, AUTHOR).signer_among([STRANGER.public_key]) is None


def test_no_keys_open_nothing() -> None:
    assert SignedRules.sign(BUNDLE, AUTHOR).signer_among([]) is None


def test_a_changed_payload_has_no_signer(changed: Callable[..., SignedRules]) -> None:
    assert changed(payload=encode_base64url(BUNDLE + b" ")).signer_among([AUTHOR.public_key]) is None


def test_a_payload_that_is_no_base64_has_no_signer(changed: Callable[..., SignedRules]) -> None:
    assert changed(payload="*").signer_among([AUTHOR.public_key]) is None


def test_a_signature_under_the_id_of_another_key_does_not_count(changed: Callable[..., SignedRules]) -> None:
    forged = SignedRules.sign(BUNDLE, STRANGER).signatures[0].sig
    assert changed(signatures=[{"keyid": AUTHOR.keyid, "sig": forged}]).signer_among([AUTHOR.public_key]) is None


def test_one_good_signature_among_bad_ones_counts(changed: Callable[..., SignedRules]) -> None:
    good = SignedRules.sign(BUNDLE, AUTHOR).signatures[0].sig
    signatures = [{"keyid": AUTHOR.keyid, "sig": "AAAA"}, {"keyid": AUTHOR.keyid, "sig": good}]
    assert changed(signatures=signatures).signer_among([AUTHOR.public_key]) == AUTHOR.keyid


def test_a_signature_over_a_skill_is_none_over_rules() -> None:
    envelope = Envelope.sign(BUNDLE, AUTHOR)
    with pytest.raises(MalformedError, match=r"application/vnd.haldir.rules"):
        SignedRules.from_bytes(envelope.to_bytes())
    document = json.loads(envelope.to_bytes()) | {"payloadType": "application/vnd.haldir.rules+json"}
    assert SignedRules.from_bytes(json.dumps(document).encode()).signer_among([AUTHOR.public_key]) is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", BUNDLE], ids=["empty", "object", "list", "bytes", "bare"])
def test_what_is_no_signed_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        SignedRules.from_bytes(data)


def test_another_version_of_the_document_is_refused(changed: Callable[..., SignedRules]) -> None:
    with pytest.raises(UnsupportedVersionError):
        changed(schema_version="2.0")


def test_a_document_without_signatures_is_refused(changed: Callable[..., SignedRules]) -> None:
    with pytest.raises(MalformedError, match="signatures"):
        changed(signatures=[])


def test_more_than_a_reader_takes_is_not_signed() -> None:
    with pytest.raises(SigningError, match="at most"):
        SignedRules.sign(b"x" * (MAX_BUNDLE_BYTES + 1), AUTHOR)


def test_the_largest_bundle_that_is_signed_can_be_read() -> None:
    data = SignedRules.sign(b"x" * MAX_BUNDLE_BYTES, AUTHOR).to_bytes()
    assert SignedRules.from_bytes(data).signer_among([AUTHOR.public_key]) == AUTHOR.keyid
