"""Ed25519 keys: private keys sign, admitted public keys verify.

``cryptography`` owns the encodings; libsodium (through ``pynacl``) verifies, because it refuses forged
signatures under small-order keys that OpenSSL accepts.
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NewType, NoReturn, Protocol, Self

import nacl.bindings
import nacl.exceptions
from attrs import field, frozen

from haldir_core.errors import KeyFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KeyId = NewType("KeyId", str)
"""The first 32 hexadecimal digits of the SHA-256 of the public key's SPKI DER form."""

KEY_BYTES = 32
SIGNATURE_BYTES = 64
KDF_ROUNDS = 64
"""bcrypt rounds of an encrypted private key: about 1.4 s of CPU time for each guess."""

_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 4: SEQUENCE, OID 1.3.101.112, BIT STRING


class Environment(StrEnum):
    """Where a key is meant to count; a production store refuses staging keys."""

    PRODUCTION = "production"
    STAGING = "staging"


class KeyRole(StrEnum):
    """What a trusted key may do: sign skills as their publisher, or as an authority, or sign revocation lists."""

    PUBLISHER = "publisher"
    AUTHORITY = "authority"
    REVOCATION = "revocation"


# The usual forms of both halves are read here, because cryptography takes 17 ms of CPU to load, a fifth of a
# small verification; every other form, and everything that is written, is its business.  RFC 7468 10 and 13,
# RFC 8410 4 and 7: a fixed prefix (12 bytes are 16 base64 digits; 16 bytes are 21 and a third of the next), then
# the 32 bytes of the key; the last digit before = has no spare bits.
_SPKI_PEM = (
    rb"-----BEGIN PUBLIC KEY-----\r?\n(MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\r?\n"
    rb"-----END PUBLIC KEY-----\s*"
)
_PKCS8_PEM = (
    rb"-----BEGIN PRIVATE KEY-----\r?\n(MC4CAQAwBQYDK2VwBCIEI[A-P][A-Za-z0-9+/]{42})\r?\n-----END PRIVATE KEY-----\s*"
)


def _admit(_: object, __: object, raw: bytes) -> None:
    if len(raw) != KEY_BYTES or not nacl.bindings.crypto_core_ed25519_is_valid_point(raw):
        raise KeyFileError("this public key is not a point of prime order: no honest Ed25519 key is like that")


@frozen
class PublicKey:
    """An admitted Ed25519 public key: 32 bytes, a canonical point of the prime-order group."""

    raw: bytes = field(validator=_admit)

    @property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo DER form, 44 bytes."""
        return _SPKI_PREFIX + self.raw

    @property
    def keyid(self) -> KeyId:
        """The id by which envelopes and lists name this key."""
        return KeyId(hashlib.sha256(self.spki).hexdigest()[:32])

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` is this key's signature of ``message``."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            nacl.bindings.crypto_sign_open(signature + message, self.raw)
        except nacl.exceptions.BadSignatureError:
            return False
        return True

    @classmethod
    def from_pem(cls, data: bytes) -> Self:
        """Read a public key from SPKI PEM or an OpenSSH line, or derive it from an unencrypted private key.

        Raises: KeyFileError if ``data`` is no Ed25519 key, or one that is not admitted.
        """
        if match := re.fullmatch(_SPKI_PEM, data):
            return cls(base64.b64decode(match[1])[-KEY_BYTES:])
        if b"PRIVATE KEY-----" in data:
            return cls(PrivateKey.from_pem(data).public_key.raw)
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 13 ms that a start may not need
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - same
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - same
            load_pem_public_key,
            load_ssh_public_key,
        )

        load = load_ssh_public_key if data.startswith((b"ssh-", b"ecdsa-", b"sk-")) else load_pem_public_key
        try:
            key = load(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFileError(
                "holds no public key (-----BEGIN PUBLIC KEY-----, or an ssh-ed25519 line as ssh-keygen writes it)"
            ) from error
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFileError(f"holds a {type(key).__name__.removesuffix('PublicKey')} key, not an Ed25519 key")
        return cls(key.public_bytes_raw())

    def to_pem(self) -> bytes:
        """Return the SPKI PEM form."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - slow to import
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - same

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Signer(Protocol):
    """Whatever can sign with an Ed25519 key: a key file, a hardware token, an agent."""

    @property
    def keyid(self) -> KeyId:
        """The id of the signing key."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what `sign` returns."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        ...


class PrivateKey:
    """An Ed25519 private key in memory; neither its ``repr`` nor pickle shows anything of it."""

    __slots__ = ("_public_key", "_seed")

    def __init__(self, seed: bytes, public_key: PublicKey) -> None:
        """Use `generate`, `from_seed` or `from_pem` instead."""
        self._seed = seed
        self._public_key = public_key

    def __repr__(self) -> str:
        return f"PrivateKey({self.keyid})"

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
        """Make a new key from 32 bytes that ``random_bytes`` gives."""
        return cls.from_seed(random_bytes(KEY_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the key of a 32-byte seed (RFC 8032 5.1.5).

        Raises: KeyFileError if ``seed`` has another length.
        """
        if len(seed) != KEY_BYTES:
            raise KeyFileError(f"an Ed25519 seed has {KEY_BYTES} bytes, this one {len(seed)}")
        public, _ = nacl.bindings.crypto_sign_seed_keypair(seed)
        return cls(seed, PublicKey(public))

    @property
    def keyid(self) -> KeyId:
        """The id of the public half."""
        return self.public_key.keyid

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        signed = nacl.bindings.crypto_sign(message, self._seed + self.public_key.raw)
        return signed[:SIGNATURE_BYTES]

    @classmethod
    def from_pem(cls, data: bytes, passphrase: bytes | None = None) -> Self:
        """Read a private key: PKCS#8 (plain or encrypted) or OpenSSH (plain or encrypted).

        Raises:
            PassphraseError: if the key is encrypted and ``passphrase`` is missing or wrong.
            KeyFileError: if ``data`` is no Ed25519 private key.
        """
        if match := re.fullmatch(_PKCS8_PEM, data):
            return cls.from_seed(base64.b64decode(match[1])[-KEY_BYTES:])
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow to import

        key = _load_private(data, passphrase)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"holds a {type(key).__name__.removesuffix('PrivateKey')} key, not an Ed25519 key")
        return cls.from_seed(key.private_bytes_raw())

    def to_pem(self, passphrase: bytes | None = None, *, kdf_rounds: int = KDF_ROUNDS) -> bytes:
        """Return the key as PKCS#8 PEM, or encrypted in the OpenSSH form (bcrypt) if there is a passphrase.

        PKCS#8 is not used for encrypted keys because cryptography writes it with 2,048 rounds of PBKDF2 only.
        """
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        if passphrase is None:
            return self._cryptography_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not passphrase:
            raise KeyFileError("an empty passphrase protects nothing: give one, or none at all")
        encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(kdf_rounds).build(passphrase)
        return self._cryptography_key().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)

    def _cryptography_key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow to import

        return Ed25519PrivateKey.from_private_bytes(self._seed)


class PassphraseError(KeyFileError):
    """A private key is encrypted and the passphrase is missing or wrong."""


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
        raise KeyFileError("holds no private key in PKCS#8 or OpenSSH form") from error
