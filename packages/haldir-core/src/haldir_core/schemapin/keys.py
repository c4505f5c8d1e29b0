"""ECDSA P-256 keys: private keys sign, admitted public keys verify.

A message is hashed with SHA-256 by the signature itself; what the message is, is the business of `signatures`.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NewType, NoReturn, Protocol, Self

from attrs import field, frozen

from haldir_core.errors import KeyFileError
from haldir_core.keys import KDF_ROUNDS, PassphraseError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey

Fingerprint = NewType("Fingerprint", str)
"""``sha256:`` and the 64 lower-case hexadecimal digits of the SHA-256 of a public key's SPKI DER form."""

MAX_PEM_CHARACTERS = 4096
"""Longest text that is looked at as a key."""

MAX_SIGNATURE_BYTES = 72
"""Longest DER form of two integers of 256 bits."""

_SEQUENCE, _INTEGER = 0x30, 0x02
"""The tags of the DER form of a signature: ``SEQUENCE { INTEGER r, INTEGER s }``.  Source: RFC 3279 2.2.3."""

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order n of the group.  Source: FIPS 186-4 D.1.2.3."""

# RFC 5480 2: SEQUENCE { SEQUENCE { id-ecPublicKey, secp256r1 }, BIT STRING { 0x04, x, y } }.  Compressed points and
# explicit parameters name the same keys by other bytes, so they would give one key several fingerprints.
_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_SPKI_BYTES = len(_SPKI_PREFIX) + 64
_PEM = re.compile(
    r"-----BEGIN PUBLIC KEY-----[ \t]*\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n?-----END PUBLIC KEY-----", re.ASCII
)


def _admit(_: object, __: object, spki: bytes) -> None:
    _point(spki)


@frozen
class PublicKey:
    """An admitted P-256 public key: its SubjectPublicKeyInfo DER form with named curve and uncompressed point."""

    spki: bytes = field(repr=False, validator=_admit)
    fingerprint: Fingerprint = field(init=False, eq=False)

    @fingerprint.default
    def _fingerprint(self) -> Fingerprint:
        return Fingerprint("sha256:" + hashlib.sha256(self.spki).hexdigest())

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` (strict DER) is this key's ECDSA signature of ``message`` with SHA-256.

        A signature with a high s is one too: the SDKs make them.  So a signature is no name for what it signs.
        """
        if not is_strict_der(signature):
            return False
        ecdsa = _ecdsa()
        try:
            # The digest of the standard library is the same in half of the time that cryptography's takes.
            _point(self.spki).verify(signature, hashlib.sha256(message).digest(), ecdsa.of_digest)
        except ecdsa.invalid_signature:
            return False
        return True

    @staticmethod
    def from_pem(data: str | bytes) -> "PublicKey":
        """Read a public key from SPKI PEM: one block, nothing beside it but white space.

        Raises: KeyFileError if ``data`` is no P-256 public key, or written otherwise than RFC 5480 and 7468 say.
        """
        if len(data) > MAX_PEM_CHARACTERS:
            raise KeyFileError(f"is longer than {MAX_PEM_CHARACTERS} characters: no public key is")
        return _loaded(data)

    def to_pem(self) -> bytes:
        """Return the SPKI PEM form."""
        return _pem_of(self.spki)


class Signer(Protocol):
    """Whatever can sign with a P-256 key: a key file, a hardware token, an agent."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what `sign` returns."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the ECDSA signature of ``message`` with SHA-256, in DER."""
        ...


class PrivateKey:
    """A P-256 private key in memory; neither its ``repr`` nor pickle shows anything of it."""

    __slots__ = ("_key", "_public_key")

    def __init__(self, key: "EllipticCurvePrivateKey", public_key: PublicKey) -> None:
        """Use `generate` or `from_pem` instead."""
        self._key = key
        self._public_key = public_key

    def __repr__(self) -> str:
        return f"PrivateKey({self.public_key.fingerprint})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivateKey) and self._public_key == other._public_key

    def __hash__(self) -> int:
        return hash(self._public_key)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled: load it where it is used")

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes] = os.urandom) -> Self:
        """Make a new key from the first 32 bytes of ``random_bytes`` that are a scalar (FIPS 186-4 B.4.2)."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key  # noqa: PLC0415 - slow

        scalar = 0
        while not 0 < scalar < ORDER:
            scalar = int.from_bytes(random_bytes(32), "big")
        return cls._of(derive_private_key(scalar, SECP256R1()))

    @classmethod
    def from_pem(cls, data: bytes, passphrase: bytes | None = None) -> Self:
        """Read a private key: PKCS#8, SEC 1 or OpenSSH form, plain or encrypted.

        Raises:
            PassphraseError: if the key is encrypted and ``passphrase`` is missing or wrong.
            KeyFileError: if ``data`` is no P-256 private key.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - slow to import
            SECP256R1,
            EllipticCurvePrivateKey,
        )

        key = _load_private(data, passphrase)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise KeyFileError(f"holds a {type(key).__name__.removesuffix('PrivateKey')} key, not a P-256 key")
        if not isinstance(key.curve, SECP256R1):
            raise KeyFileError(f"holds a key of the curve {key.curve.name}, not of P-256 (secp256r1)")
        return cls._of(key)

    @classmethod
    def _of(cls, key: "EllipticCurvePrivateKey") -> Self:
        numbers = key.public_key().public_numbers()
        point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        return cls(key, PublicKey(_SPKI_PREFIX + point))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of ``message`` in DER, with the lower of the two values that s can have."""
        ecdsa = _ecdsa()
        r, s = ecdsa.decode(self._key.sign(message, ecdsa.with_sha256))
        return ecdsa.encode(r, min(s, ORDER - s))

    def to_pem(self, passphrase: bytes | None = None, *, kdf_rounds: int = KDF_ROUNDS) -> bytes:
        """Return the key as PKCS#8 PEM, or encrypted in the OpenSSH form (bcrypt) if there is a passphrase.

        Encrypted PKCS#8 is not written, because cryptography does so with 2,048 rounds of PBKDF2 only.

        Raises: KeyFileError if the passphrase is empty.
        """
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        if passphrase is None:
            return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not passphrase:
            raise KeyFileError("an empty passphrase protects nothing: give one, or none at all")
        encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(kdf_rounds).build(passphrase)
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def parse_fingerprint(text: str) -> Fingerprint:
    """Return ``text`` as a fingerprint.

    Raises: ValueError if it is not ``sha256:`` and 64 lower-case hexadecimal digits.
    """
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise ValueError("must be sha256: and 64 lower-case hexadecimal digits")
    return Fingerprint(text)


def is_strict_der(signature: bytes) -> bool:
    """Whether these bytes are the one DER form of two positive integers below the order of P-256."""
    length = len(signature)
    if not 8 <= length <= MAX_SIGNATURE_BYTES or signature[0] != _SEQUENCE or signature[1] != length - 2:
        return False
    middle = 4 + signature[3]
    r, s = signature[4:middle], signature[middle + 2 :]
    if signature[2] != _INTEGER or signature[middle : middle + 2] != bytes((_INTEGER, len(s))):
        return False
    return _is_scalar(r) and _is_scalar(s)


def _is_scalar(encoded: bytes) -> bool:
    """Whether these bytes are the content of the one DER form of a positive integer below the order of P-256."""
    if encoded[:1] == b"\0" and encoded[1:2] < b"\x80":  # a zero that is not needed to make the number positive
        return False
    return 0 < int.from_bytes(encoded, "big", signed=True) < ORDER


@frozen
class _Ecdsa:
    """What cryptography offers for ECDSA, looked up once: it is slow to import."""

    with_sha256: "ECDSA"
    of_digest: "ECDSA"
    invalid_signature: type[Exception]
    decode: Callable[[bytes], tuple[int, int]]
    encode: Callable[[int, int], bytes]


@cache
def _ecdsa() -> _Ecdsa:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 - same
    from cryptography.hazmat.primitives.asymmetric.utils import (  # noqa: PLC0415 - same
        Prehashed,
        decode_dss_signature,
        encode_dss_signature,
    )
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - same

    return _Ecdsa(
        ECDSA(SHA256()), ECDSA(Prehashed(SHA256())), InvalidSignature, decode_dss_signature, encode_dss_signature
    )


@lru_cache(maxsize=4096)
def _loaded(data: str | bytes) -> PublicKey:
    """Return the key that a PEM text holds; one text is looked at once."""
    return PublicKey(_spki_of(data))


def _spki_of(data: str | bytes) -> bytes:
    try:
        text = data if isinstance(data, str) else data.decode("ascii")
    except UnicodeDecodeError as error:
        raise KeyFileError("holds no public key: a byte that is not ASCII") from error
    match = _PEM.fullmatch(text.strip(" \t\r\n"))
    if match is None:
        raise KeyFileError("holds no public key (one block -----BEGIN PUBLIC KEY-----, and nothing else)")
    body = re.sub(r"\r?\n", "", match[1])
    try:
        spki = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise KeyFileError(f"holds a public key that is no base64: {error}") from error
    if base64.b64encode(spki).decode("ascii") != body:
        raise KeyFileError("holds a public key with more than one base64 form: spare bits are set")
    return spki


@lru_cache(maxsize=4096)
def _pem_of(spki: bytes) -> bytes:
    body = base64.b64encode(spki).decode("ascii")
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n".encode("ascii")


@lru_cache(maxsize=4096)
def _point(spki: bytes) -> "EllipticCurvePublicKey":
    """Return what cryptography verifies with; one key is loaded once."""
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - slow to import
        SECP256R1,
        EllipticCurvePublicKey,
    )

    if len(spki) != _SPKI_BYTES or not spki.startswith(_SPKI_PREFIX):
        raise KeyFileError("is no P-256 key with named curve and uncompressed point: SchemaPin knows no other")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), spki[len(_SPKI_PREFIX) - 1 :])
    except ValueError as error:
        raise KeyFileError("is no point of the curve P-256: no honest key is like that") from error


def _load_private(data: bytes, passphrase: bytes | None) -> object:
    from cryptography.exceptions import InvalidKey, InvalidTag, UnsupportedAlgorithm  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - same
        load_pem_private_key,
        load_ssh_private_key,
    )

    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        return load(data, passphrase)
    except TypeError as error:  # how cryptography says that a passphrase is missing, or given for a plain key
        if passphrase is None:
            raise PassphraseError("the private key is encrypted: give its passphrase") from error
        return _load_private(data, None)
    except (ValueError, UnsupportedAlgorithm, InvalidKey, InvalidTag) as error:
        if passphrase is not None:
            raise PassphraseError("the private key cannot be read: wrong passphrase, or a damaged file") from error
        if b"ENCRYPTED" in data:
            raise PassphraseError("the private key is encrypted: give its passphrase") from error
        raise KeyFileError("holds no private key in PKCS#8, SEC 1 or OpenSSH form") from error
