"""The signed envelope: DSSE version 1, with unpadded base64url and a schema version.

Source: Dead Simple Signing Envelope, protocol.md of version 1.0.2 for the pre-authentication encoding.
"""

from typing import Literal, Self

import attrs
from attrs import field, frozen

from haldir_core._converter import JSON_NAME, SCHEMA_VERSION, read_document, structure
from haldir_core.canonical import JsonObject, pretty_bytes
from haldir_core.encoding import decode_base64, encode_base64url
from haldir_core.errors import DecodeError, SigningError
from haldir_core.keys import PublicKey, Signer

DOCUMENT = "signature.json"
PayloadType = Literal["application/vnd.haldir.attestation+json"]
PAYLOAD_TYPE: PayloadType = "application/vnd.haldir.attestation+json"
MAX_SIGNATURES = 100
"""More signatures than that are refused, so that verifying one skill costs a bounded time."""


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed for ``payload``: the DSSE v1 PAE, lengths in ASCII decimals."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@frozen
class Signature:
    """One signature: the id of its key, and the signature in base64url."""

    keyid: str = field(validator=attrs.validators.min_len(1))
    sig: str = field(validator=attrs.validators.min_len(1))

    def to_bytes(self) -> bytes:
        """Return the signature's bytes.

        Raises: DecodeError if it is no strict base64.
        """
        return decode_base64(self.sig)

    def verifies(self, key: PublicKey, signed: bytes) -> bool:
        """Whether this is the signature of ``key`` over ``signed``; false if it is no strict base64."""
        try:
            return key.verifies(self.to_bytes(), signed)
        except DecodeError:
            return False


@frozen
class Envelope:
    """A payload with its signatures.  Spec: section 8."""

    payload_type: PayloadType = field(metadata={JSON_NAME: "payloadType"})
    payload: str = field(validator=attrs.validators.min_len(1))
    signatures: tuple[Signature, ...] = field(
        validator=[attrs.validators.min_len(1), attrs.validators.max_len(MAX_SIGNATURES)]
    )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read an envelope.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 envelope of an attestation.
        """
        return structure(read_document(data, DOCUMENT), cls, DOCUMENT)

    @classmethod
    def sign(cls, payload: bytes, signer: Signer) -> Self:
        """Return ``payload`` in an envelope with the signature of ``signer``."""
        return cls(PAYLOAD_TYPE, encode_base64url(payload), (_sign(payload, signer),))

    def append_signature(self, signer: Signer) -> Self:
        """Return this envelope with one more signature over the same payload bytes.

        A signature under the id of the same key that does not verify gives way: anybody can have put it there.

        Raises:
            SigningError: if the key has signed already.
            DecodeError: if the payload is no strict base64.
        """
        own = [signature for signature in self.signatures if signature.keyid == signer.keyid]
        if any(signature.verifies(signer.public_key, self.signed_bytes()) for signature in own):
            raise SigningError(f"key {signer.keyid} has already signed this skill")
        others = [signature for signature in self.signatures if signature.keyid != signer.keyid]
        if len(others) >= MAX_SIGNATURES:
            raise SigningError(f"this skill has {MAX_SIGNATURES} signatures, which is the most there may be")
        return attrs.evolve(self, signatures=(*others, _sign(self.payload_bytes(), signer)))

    def payload_bytes(self) -> bytes:
        """Return the payload.

        Raises: DecodeError if it is no strict base64.
        """
        return decode_base64(self.payload)

    def signed_bytes(self) -> bytes:
        """Return the bytes that every signature is over.

        Raises: DecodeError as `payload_bytes`.
        """
        return pre_authentication_encoding(self.payload_type, self.payload_bytes())

    def to_json(self) -> JsonObject:
        """Return the envelope as JSON value, members in the order of the specification."""
        return {
            "schema_version": SCHEMA_VERSION,
            "payloadType": self.payload_type,
            "payload": self.payload,
            "signatures": [attrs.asdict(signature) for signature in self.signatures],
        }

    def to_bytes(self) -> bytes:
        """Return the envelope as it is written to disk."""
        return pretty_bytes(self.to_json())


def _sign(payload: bytes, signer: Signer) -> Signature:
    signed = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return Signature(signer.keyid, encode_base64url(signed))
