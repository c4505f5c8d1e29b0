import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import DecodeError, KeyFileError
from haldir_core.keys import PassphraseError
from haldir_core.schemapin import PrivateKey, PublicKey, load_private_key, load_public_key, write_key_pair
from haldir_core.schemapin.keys import ORDER, is_strict_der, parse_fingerprint
from haldir_core.schemapin.signatures import (
    decode_signature,
    digest_verifies,
    encode_signature,
    message_verifies,
    sign_digest,
    sign_message,
)

WYCHEPROOF: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "spec" / "vectors" / "wycheproof" / "ecdsa_secp256r1_sha256_test.json").read_bytes()
)
CASES = [(group["publicKeyPem"], case) for group in WYCHEPROOF["testGroups"] for case in group["tests"]]
KEY = PrivateKey.generate(lambda count: b"\7" * count)
PEM = KEY.public_key.to_pem().decode()
MESSAGE = b"a message"


def _pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_wycheproof_is_complete() -> None:
    assert len(CASES) == WYCHEPROOF["numberOfTests"] == 484


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"tc{case[1]['tcId']}-{case[1]['result']}")
def test_a_signature_is_judged_as_wycheproof_says(case: tuple[str, dict[str, Any]]) -> None:
    pem, vector = case

    verified = PublicKey.from_pem(pem).verifies(bytes.fromhex(vector["sig"]), bytes.fromhex(vector["msg"]))

    assert verified == (vector["result"] == "valid")


def test_a_signature_is_over_the_message_and_by_the_key() -> None:
    signature = KEY.sign(MESSAGE)

    assert KEY.public_key.verifies(signature, MESSAGE)
    assert not KEY.public_key.verifies(signature, MESSAGE + b"!")
    assert not PrivateKey.generate().public_key.verifies(signature, MESSAGE)


def test_we_write_the_lower_s_and_read_both() -> None:
    r, s = decode_dss_signature(KEY.sign(MESSAGE))

    assert s <= ORDER // 2
    assert KEY.public_key.verifies(encode_dss_signature(r, ORDER - s), MESSAGE)


@pytest.mark.parametrize("position", range(8))
def test_every_change_of_a_bit_of_a_signature_is_refused(position: int) -> None:
    signature = KEY.sign(MESSAGE)

    for index in range(len(signature)):
        changed = bytearray(signature)
        changed[index] ^= 1 << position
        assert not KEY.public_key.verifies(bytes(changed), MESSAGE)


@pytest.mark.parametrize("r", [0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256])
@pytest.mark.parametrize("s", [0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256])
def test_numbers_at_the_edges_are_no_signature(r: int, s: int) -> None:
    assert not KEY.public_key.verifies(encode_dss_signature(r, s), MESSAGE)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_reader_of_signatures(data: bytes) -> None:
    assert not KEY.public_key.verifies(data, MESSAGE)
    assert is_strict_der(data) in {True, False}


@given(st.text(max_size=120))
def test_no_text_crashes_the_reader_of_signatures(text: str) -> None:
    assert not message_verifies(KEY.public_key, text, MESSAGE)


def test_a_digest_is_hashed_once_more_and_is_no_message() -> None:
    digest = b"\1" * 32

    assert digest_verifies(KEY.public_key, sign_digest(KEY, digest), digest)
    assert message_verifies(KEY.public_key, sign_message(KEY, digest), digest)
    with pytest.raises(ValueError, match="32 bytes"):
        sign_digest(KEY, b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        digest_verifies(KEY.public_key, "", b"\1" * 31)


def _variants(text: str) -> dict[str, str]:
    return {
        "space": " " + text,
        "newline": text + "\n",
        "inner-newline": text[:20] + "\n" + text[20:],
        "junk": text + "!",
        "after-padding": text + "AAAA",
        "no-padding": text.rstrip("="),
        "url-alphabet": text.replace("+", "-").replace("/", "_"),
        "more-padding": text + "====",
        "two": text + text,
        "long": text * 100,
        "not-ascii": text + "\u00e9",
        "spare-bits": text[:-3] + chr(ord(text[-3]) + 1) + text[-2:],
    }


def test_one_text_only_decodes_to_a_signature() -> None:
    signature = next(made for made in iter(lambda: KEY.sign(MESSAGE), b"") if len(made) == 70 and b"\xff" in made)
    text = encode_signature(signature)
    assert text.endswith("==")
    assert decode_signature(text) == signature

    for variant in _variants(text).values():
        if variant != text:
            with pytest.raises(DecodeError):
                decode_signature(variant)


@pytest.mark.parametrize(
    "curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1(), ec.SECP224R1()], ids=lambda c: c.name
)
def test_a_key_of_another_curve_is_refused(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(KeyFileError, match="no P-256 key"):
        PublicKey.from_pem(_pem_of(key))
    with pytest.raises(KeyFileError, match="not of P-256"):
        PrivateKey.from_pem(pem)


def test_an_rsa_key_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)

    with pytest.raises(KeyFileError, match="no P-256 key"):
        PublicKey.from_pem(_pem_of(key))
    with pytest.raises(KeyFileError, match="RSA"):
        PrivateKey.from_pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _in_pem(der: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"


def _spare_bits(pem: str) -> str:
    at = pem.index("==\n") - 1
    return pem[:at] + chr(ord(pem[at]) + 1) + pem[at + 1 :]


def _compressed() -> bytes:
    raw = KEY.public_key.spki
    point = bytes([2 + (raw[-1] & 1)]) + raw[-64:-32]
    return bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "abc",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        PEM + PEM,
        "comment\n" + PEM,
        PEM + "comment",
        PEM.replace("PUBLIC", "EC PUBLIC"),
        PEM.replace("MFkw", "MF!w"),
        PEM.replace("MFkw", "MF=w"),
        PEM.replace("==\n-----END", "\n-----END"),
        _spare_bits(PEM),
        PEM.replace("MFkw", "MF\u00e9w"),
        _in_pem(KEY.public_key.spki + b"\0"),
        _in_pem(KEY.public_key.spki[:-1]),
        _in_pem(KEY.public_key.spki[:-1] + bytes([KEY.public_key.spki[-1] ^ 1])),
        _in_pem(KEY.public_key.spki[:-64] + b"\0" * 64),
        _in_pem(_compressed()),
        KEY.to_pem().decode(),
        PEM * 1000,
    ],
    ids=lambda pem: pem[:12].strip("-\n") or "empty",
)
def test_what_is_no_strict_spki_pem_is_refused(pem: str) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.from_pem(pem)


@pytest.mark.parametrize(
    "pem", [PEM.strip(), PEM.replace("\n", "\r\n"), "\n\n" + PEM + "\n \n", PEM.encode()], ids=ascii
)
def test_white_space_around_a_key_changes_nothing(pem: str | bytes) -> None:
    assert PublicKey.from_pem(pem) == KEY.public_key
    assert PublicKey.from_pem(pem).fingerprint == KEY.public_key.fingerprint


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_nothing_crashes_the_reader_of_keys(data: str | bytes) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.from_pem(data)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_of_private_keys(data: bytes) -> None:
    with pytest.raises(KeyFileError):
        PrivateKey.from_pem(data)


def test_a_key_is_made_from_the_first_bytes_that_are_a_scalar() -> None:
    drawn = iter([b"\0" * 32, b"\xff" * 32, ORDER.to_bytes(32, "big"), b"\7" * 32])

    assert PrivateKey.generate(lambda _: next(drawn)) == KEY


def test_a_private_key_shows_nothing_of_itself() -> None:
    assert repr(KEY) == f"PrivateKey({KEY.public_key.fingerprint})"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY)
    assert len({KEY, PrivateKey.from_pem(KEY.to_pem())}) == 1


def test_a_key_pair_is_written_and_read(tmp_path: Path) -> None:
    private, public = write_key_pair(tmp_path, KEY)

    assert (private.name, public.name) == ("schemapin_private.pem", "schemapin_public.pem")
    assert private.stat().st_mode & 0o777 == 0o600
    assert load_private_key(private) == KEY
    assert load_public_key(public) == KEY.public_key


def test_an_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(KEY.to_pem(b"secret", kdf_rounds=1))
    path.chmod(0o600)

    assert load_private_key(path, b"secret") == KEY
    with pytest.raises(PassphraseError, match=r"key\.pem.*encrypted"):
        load_private_key(path)
    with pytest.raises(PassphraseError, match="wrong passphrase"):
        load_private_key(path, b"other")
    with pytest.raises(KeyFileError, match="empty passphrase"):
        KEY.to_pem(b"")


def test_a_passphrase_for_a_plain_key_is_no_harm() -> None:
    assert PrivateKey.from_pem(KEY.to_pem(), b"secret") == KEY


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    private, _ = write_key_pair(tmp_path, KEY)
    private.chmod(0o644)

    with pytest.raises(KeyFileError, match="chmod 600"):
        load_private_key(private)


def test_no_key_file_is_overwritten_and_none_is_left_half(tmp_path: Path) -> None:
    (tmp_path / "schemapin_public.pem").write_text("mine")

    with pytest.raises(KeyFileError, match="exists"):
        write_key_pair(tmp_path, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["schemapin_public.pem"]


@pytest.mark.parametrize("load", [load_private_key, load_public_key])
def test_a_file_without_a_key_is_named_in_the_error(load: Any, tmp_path: Path) -> None:  # noqa: ANN401 - two functions
    path = tmp_path / "nothing.pem"
    path.write_bytes(b"nothing")

    with pytest.raises(KeyFileError, match=r"nothing\.pem"):
        load(path)
    with pytest.raises(KeyFileError, match="cannot read"):
        load(tmp_path / "missing")


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "a" * 64, "sha256:" + "g" * 64]
)
def test_a_text_that_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sha256: and 64"):
        parse_fingerprint(text)
    assert parse_fingerprint(KEY.public_key.fingerprint) == KEY.public_key.fingerprint
