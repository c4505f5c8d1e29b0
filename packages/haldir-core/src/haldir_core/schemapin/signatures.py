"""ECDSA signatures over canonical bytes, as SchemaPin's SDKs make them.

A schema or a skill is signed over the 32 bytes of its SHA-256, which the signature hashes once more.  The Go SDK hashes
once only, and so do all SDKs for bundles.  Spec: schemapin, section 3.
"""

import base64
import binascii
import hashlib
from enum import Enum

from haldir_core.errors import DecodeError
from haldir_core.schemapin.keys import PublicKey, Signer

_LONGEST_TEXT = 96
"""Characters of the base64 form of the longest signature."""


class HashForm(Enum):
    """How often what was signed is hashed."""

    DOUBLE = "double"
    SINGLE = "single"


class Accepted(Enum):
    """Which forms a verifier takes; the single hash is the compatibility mode for the Go SDK."""

    DOUBLE_HASH = "double-hash"
    DOUBLE_OR_SINGLE_HASH = "double-or-single-hash"


def encode_signature(signature: bytes) -> str:
    """Return DER bytes as documents hold them: standard base64 with padding."""
    return base64.b64encode(signature).decode("ascii")


def decode_signature(text: str) -> bytes:
    """Return the bytes of a signature in standard base64 with padding; exactly one text gives the same bytes.

    Raises: DecodeError for white space, another alphabet, missing padding, spare bits, or more than a signature.
    """
    if len(text) > _LONGEST_TEXT:
        raise DecodeError("not a signature: more base64 than a P-256 signature has")
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:  # ValueError: a character that is not ASCII
        raise DecodeError(f"not base64: {error}") from error
    if binascii.b2a_base64(data, newline=False).decode("ascii") != text:
        raise DecodeError("not base64: spare bits are set, or something follows the padding")
    return data


def sign_message(signer: Signer, message: bytes) -> str:
    """Return the signature of ``message``, hashed once: bundles and statements are signed like that."""
    return encode_signature(signer.sign(message))


def message_verifies(key: PublicKey, signature: str, message: bytes) -> bool:
    """Whether ``signature`` is that of ``key`` over ``message``, hashed once; false if it is no strict base64."""
    try:
        return key.verifies(decode_signature(signature), message)
    except DecodeError:
        return False


def sign_digest(signer: Signer, digest: bytes) -> str:
    """Return the signature over the 32 bytes of a SHA-256 ``digest``, which is hashed again."""
    return sign_message(signer, _checked(digest))


def digest_verifies(key: PublicKey, signature: str, digest: bytes) -> bool:
    """Whether ``signature`` is that of ``key`` over a SHA-256 ``digest``, which is hashed again."""
    try:
        return key.verifies(decode_signature(signature), _checked(digest))
    except DecodeError:
        return False


def sha256_digest(data: bytes) -> bytes:
    """Return the SHA-256 of ``data``, 32 bytes."""
    return hashlib.sha256(data).digest()


def _checked(digest: bytes) -> bytes:
    if len(digest) != 32:
        raise ValueError(f"a SHA-256 digest has 32 bytes, this one {len(digest)}")
    return digest
