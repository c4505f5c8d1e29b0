import base64
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import KeyFileError, PassphraseError, PrivateKey, PublicKey

KEYS = Path(__file__).parents[3] / "spec" / "vectors" / "haldir-ts" / "keys"
SEED = bytes(range(32))
KEY = PrivateKey.from_seed(SEED)
PASSPHRASE = b"correct horse"
THEIRS = Ed25519PrivateKey.from_private_bytes(SEED)


def _pem(kind: str, body: str) -> bytes:
    """Return a PEM file; in this form no scanner for leaked secrets takes the test keys for real ones."""
    label = f"{kind} KEY-----"
    return f"-----BEGIN {label}\n{body}\n-----END {label}\n".encode()


# openssl pkcs8 -topk8 -scrypt -scrypt_N 1024, which cryptography reads and cannot write.
SCRYPT = _pem(
    "ENCRYPTED PRIVATE",
    "MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAj5ybcsglDfZwICBAACAQgCAQEwHQYJYIZIAWUDBAEqBBBIDEylB55u7xqfc828S37D\n"
    "BEBCk5d75ScCsApRv2NBJrND8uVrqLtK+EiU/4mc1zcCRhLjlFjEQCftndY+vLt4y+4TCnrN73BTvVphiqzdWen/",
)
# ssh-keygen -t ed25519 -a 4 -Z aes256-gcm@openssh.com
SSH_GCM = _pem(
    "OPENSSH PRIVATE",
    "b3BlbnNzaC1rZXktdjEAAAAAFmFlczI1Ni1nY21Ab3BlbnNzaC5jb20AAAAGYmNyeXB0AAAAGAAAABB/LY+Z0CvSTfn9gkZJQh7TAAAABAAAAAEA\n"
    "AAAzAAAAC3NzaC1lZDI1NTE5AAAAIE+tlHv92JXy3/Y2L11wzNTPSo4F7MAX/eQN5+4nJ+4CAAAAkKWQwPCsyK8LFUi+hBrzKZSMfPKU2lm2Gb9V\n"
    "ENf2grF6C1J2/PijpGUYMJ2vyCTdgXTKG7HfKS9szbxxYAkM3rgbUTzb9h8u73uAMzahJ3tsVLQRraMzmIz3PHoVa9M5/juGGgEAKhW0Dqf2Sqmi\n"
    "l0j8G+zGBGQ/XDbn4xtzcKPcZl94r1DAKOm6Ez7Vpq9kUE3PDGqTcC4HZBa3ryRH3l4=",
)
SCRYPT_KEYID = "68e0cc263a73e0792776b16c22366e6d"
SSH_GCM_KEYID = "1f39ed55cf8138b43246a95049b1c630"

PLAIN = {
    "pkcs8": THEIRS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "openssh": THEIRS.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
}
ENCRYPTED = {
    "pkcs8-pbes2": (
        THEIRS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)),
        KEY.keyid,
    ),
    "pkcs8-scrypt": (SCRYPT, SCRYPT_KEYID),
    "openssh-ctr": (KEY.to_pem(PASSPHRASE, kdf_rounds=1), KEY.keyid),
    "openssh-gcm": (SSH_GCM, SSH_GCM_KEYID),
}
OTHER_KEYS: dict[str, Any] = {
    "RSA": rsa.generate_private_key(65537, 1024),  # noqa: S505 - it is made to be refused
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("form", PLAIN)
def test_a_plain_private_key_is_read(form: str) -> None:
    key = PrivateKey.from_pem(PLAIN[form])

    assert key.keyid == KEY.keyid
    assert key.sign(b"message") == THEIRS.sign(b"message")


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize("passphrase", [b"", b"needless"], ids=ascii)
def test_a_passphrase_for_a_plain_key_does_no_harm(form: str, passphrase: bytes) -> None:
    assert PrivateKey.from_pem(PLAIN[form], passphrase).keyid == KEY.keyid


@pytest.mark.parametrize("form", ENCRYPTED)
def test_an_encrypted_private_key_is_read(form: str) -> None:
    data, keyid = ENCRYPTED[form]

    assert PrivateKey.from_pem(data, PASSPHRASE).keyid == keyid


@pytest.mark.parametrize("form", ENCRYPTED)
@pytest.mark.parametrize("passphrase", [b"wrong", b"\xff\0" * 100], ids=["wrong", "bytes"])
def test_a_wrong_passphrase_is_an_error_of_its_own(form: str, passphrase: bytes) -> None:
    with pytest.raises(PassphraseError, match="wrong passphrase, or a damaged file"):
        PrivateKey.from_pem(ENCRYPTED[form][0], passphrase)


@pytest.mark.parametrize("form", ENCRYPTED)
@pytest.mark.parametrize("passphrase", [None, b""], ids=ascii)
def test_a_missing_passphrase_is_an_error_of_its_own(form: str, passphrase: bytes | None) -> None:
    with pytest.raises(PassphraseError, match="give its passphrase"):
        PrivateKey.from_pem(ENCRYPTED[form][0], passphrase)


def test_a_damaged_encrypted_key_asks_for_its_passphrase_first() -> None:
    with pytest.raises(PassphraseError, match="give its passphrase"):
        PrivateKey.from_pem(_pem("ENCRYPTED PRIVATE", "AAAA"))


@pytest.mark.parametrize("form", ENCRYPTED)
def test_an_encrypted_private_key_is_no_public_key(form: str) -> None:
    with pytest.raises(PassphraseError):
        PublicKey.from_pem(ENCRYPTED[form][0])


@pytest.mark.parametrize("name", OTHER_KEYS)
def test_a_private_key_of_another_kind_is_refused_by_name(name: str) -> None:
    data = OTHER_KEYS[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(KeyFileError, match=f"holds an? {name} key, not an Ed25519 key"):
        PrivateKey.from_pem(data)


@pytest.mark.parametrize("name", OTHER_KEYS)
def test_a_public_key_of_another_kind_is_refused_by_name(name: str) -> None:
    data = OTHER_KEYS[name].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(KeyFileError, match=f"holds an? {name} key, not an Ed25519 key"):
        PublicKey.from_pem(data)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"not a key", KEY.public_key.to_pem()], ids=["empty", "nul", "text", "public"]
)
def test_what_is_no_private_key_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFileError, match="holds no private key"):
        PrivateKey.from_pem(data)


@pytest.mark.parametrize("data", [b"", b"\0", b"not a key", KEY.public_key.raw], ids=["empty", "nul", "text", "raw"])
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFileError, match="holds no public key"):
        PublicKey.from_pem(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda pem: pem,
        lambda pem: pem.strip(),
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: b"a comment\n" + pem,
        lambda pem: b"\n" + pem + b"\n\n",
    ],
    ids=["usual", "no-final-newline", "crlf", "comment", "blank-lines"],
)
def test_a_public_key_is_read_with_usual_white_space(change: object) -> None:
    assert callable(change)
    assert PublicKey.from_pem(change(KEY.public_key.to_pem())) == KEY.public_key


@pytest.mark.parametrize(
    "body",
    [
        base64.b64encode(bytes.fromhex("302a300506032b6570032100") + bytes(32)).decode(),
        # The same with a comment in front, so that the slow way is taken.
        "\n",
    ],
    ids=["small-order", "empty"],
)
@pytest.mark.parametrize("front", ["", "comment\n"], ids=["fast-way", "slow-way"])
def test_a_pem_file_of_a_key_that_is_not_admitted_is_refused(front: str, body: str) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.from_pem(front.encode() + _pem("PUBLIC", body))


def test_a_public_key_is_written_as_openssl_writes_it() -> None:
    assert KEY.public_key.to_pem() == THEIRS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert KEY.public_key.spki == THEIRS.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("name", ["publisher", "authority", "revoker", "stranger"])
def test_a_private_key_file_gives_the_public_key_beside_it(name: str) -> None:
    public = PublicKey.from_pem((KEYS / f"{name}.pub").read_bytes())

    assert PublicKey.from_pem((KEYS / f"{name}.key").read_bytes()) == public
    assert PrivateKey.from_pem((KEYS / f"{name}.key").read_bytes()).public_key == public


@given(st.binary(min_size=32, max_size=32))
def test_a_plain_key_survives_writing_and_reading(seed: bytes) -> None:
    key = PrivateKey.from_seed(seed)
    read = PrivateKey.from_pem(key.to_pem())

    assert (read, read.sign(b"message")) == (key, key.sign(b"message"))
    assert PublicKey.from_pem(key.public_key.to_pem()) == key.public_key


@pytest.mark.parametrize("passphrase", [b"x", b"\xff\xfe\0", b"p" * 500, "gr\u00fcn".encode()], ids=ascii)
def test_an_encrypted_key_survives_writing_and_reading(passphrase: bytes) -> None:
    data = KEY.to_pem(passphrase, kdf_rounds=1)

    assert PrivateKey.from_pem(data, passphrase).sign(b"message") == KEY.sign(b"message")
    assert SEED not in base64.b64decode(b"".join(data.splitlines()[1:-1]))
    theirs = load_ssh_private_key(data, passphrase)
    assert isinstance(theirs, Ed25519PrivateKey)
    assert theirs.private_bytes_raw() == SEED


def test_an_encrypted_key_is_written_with_64_rounds_of_bcrypt() -> None:
    data = base64.b64decode(b"".join(KEY.to_pem(PASSPHRASE).splitlines()[1:-1]))

    # openssh PROTOCOL.key: a string of salt (16 bytes), then the number of rounds
    _, _, after = data.partition(b"bcrypt")
    assert after[4:8] == (16).to_bytes(4, "big")
    assert after[24:28] == (64).to_bytes(4, "big")


def test_an_empty_passphrase_is_refused_for_writing() -> None:
    with pytest.raises(KeyFileError, match="protects nothing"):
        KEY.to_pem(b"")


def test_a_key_shows_nothing_of_its_secret() -> None:
    shown = repr(KEY) + str(KEY) + repr([KEY]) + repr({"key": KEY})

    assert KEY.keyid in shown
    for secret in (repr(SEED)[2:-1], SEED.hex(), base64.b64encode(SEED).decode(), "seed"):
        assert secret not in shown


def test_a_key_is_shown_by_its_id_only() -> None:
    assert repr(KEY) == str(KEY) == f"{KEY}" == f"PrivateKey({KEY.keyid})"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="a private key is not pickled"):
        pickle.dumps({"key": KEY}, protocol)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["shallow", "deep"])
def test_a_key_is_not_copied(duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="a private key is not pickled"):
        duplicate(KEY)


def test_a_key_is_no_record_whose_fields_can_be_listed() -> None:
    holder = attrs.make_class("Holder", ["key"])(KEY)

    assert attrs.asdict(holder) == {"key": KEY}
    with pytest.raises(attrs.exceptions.NotAnAttrsClassError):
        attrs.asdict(KEY)  # type: ignore[arg-type] # the mistake that is to fail


def test_keys_are_equal_by_their_public_half() -> None:
    assert {KEY, PrivateKey.from_seed(SEED)} == {KEY}
    assert PrivateKey.from_seed(bytes(32)) not in {KEY, SEED, None}


def test_a_generated_key_takes_32_bytes_of_randomness() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return SEED

    assert PrivateKey.generate(random_bytes) == KEY
    assert asked == [32]


def test_two_generated_keys_differ() -> None:
    assert PrivateKey.generate() != PrivateKey.generate()


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeyFileError, match=f"has 32 bytes, this one {length}"):
        PrivateKey.from_seed(bytes(length))


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_libsodium_and_cryptography_agree_on_honest_signatures(seed: bytes, message: bytes) -> None:
    ours, theirs = PrivateKey.from_seed(seed), Ed25519PrivateKey.from_private_bytes(seed)
    signature = ours.sign(message)

    assert signature == theirs.sign(message)
    assert ours.public_key.raw == theirs.public_key().public_bytes_raw()
    Ed25519PublicKey.from_public_bytes(ours.public_key.raw).verify(signature, message)
    assert ours.public_key.verifies(theirs.sign(message), message)


@given(message=st.binary(max_size=50), position=st.integers(0, 63), change=st.integers(1, 255))
def test_both_libraries_refuse_a_signature_with_a_changed_byte(message: bytes, position: int, change: int) -> None:
    signature = bytearray(KEY.sign(message))
    signature[position] ^= change

    assert not KEY.public_key.verifies(bytes(signature), message)
    with pytest.raises(InvalidSignature):
        THEIRS.public_key().verify(bytes(signature), message)


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_not_verified(length: int) -> None:
    signature = (KEY.sign(b"message") * 2)[:length]

    assert not KEY.public_key.verifies(signature, b"message")


def test_the_boundary_between_signature_and_message_cannot_be_moved() -> None:
    signature = KEY.sign(b"message")

    assert not KEY.public_key.verifies(signature + b"m", b"essage")
    assert not KEY.public_key.verifies(signature[:-1], signature[-1:] + b"message")


def test_an_openssh_public_key_is_read() -> None:
    line = Ed25519PublicKey.from_public_bytes(KEY.public_key.raw).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)

    assert PublicKey.from_pem(line + b" somebody@host.example\n") == KEY.public_key


@pytest.mark.parametrize(
    "line",
    [b"ssh-ed25519 AAAA", b"ssh-rsa AAAA x", b"ssh-ed25519", b"ecdsa-sha2-nistp256 AAAA", b"sk-ssh x"],
    ids=ascii,
)
def test_a_line_that_is_no_openssh_ed25519_key_is_refused(line: bytes) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.from_pem(line)


def test_a_public_key_with_spare_bits_is_refused() -> None:
    pem = KEY.public_key.to_pem()
    last = pem.index(b"=") - 1
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spare = bytes([alphabet[alphabet.index(pem[last]) + 1]])

    with pytest.raises(KeyFileError):
        PublicKey.from_pem(pem[:last] + spare + pem[last + 1 :])
