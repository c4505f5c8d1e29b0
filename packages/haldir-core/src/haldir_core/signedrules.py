"""Signed bundles of scanner rules: the bytes of a bundle in an envelope of their own payload type.

What the rules say is not looked at here.  A signature over a skill is none over rules, nor the other way round: the
payload type is part of what is signed.
"""

from collections.abc import Iterable
from typing import Literal, Self

import attrs
from attrs import field, frozen

from haldir_core._converter import JSON_NAME, SCHEMA_VERSION, read_document, structure
from haldir_core.canonical import JsonObject, pretty_bytes
from haldir_core.encoding import decode_base64, encode_base64url
from haldir_core.envelope import MAX_SIGNATURES, Signature, pre_authentication_encoding
from haldir_core.errors import DecodeError, SigningError
from haldir_core.keys import KeyId, PublicKey, Signer

DOCUMENT = "signed bundle of rules"
PayloadType = Literal["application/vnd.haldir.rules+json"]
PAYLOAD_TYPE: PayloadType = "application/vnd.haldir.rules+json"
MAX_BUNDLE_BYTES = 6_000_000
"""What fits into a document of 8 MiB, in base64."""


@frozen
class SignedRules:
    """The bytes of a bundle with signatures over them.  Spec: rules-1.0, section 6."""

    payload_type: PayloadType = field(metadata={JSON_NAME: "payloadType"})
    payload: str = field(validator=attrs.validators.min_len(1))
    signatures: tuple[Signature, ...] = field(
        validator=[attrs.validators.min_len(1), attrs.validators.max_len(MAX_SIGNATURES)]
    )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a signed bundle; its signatures are not verified here.

        Raises:
            UnsupportedVersionError: if its schema_version is not 1.0.
            MalformedError: if it is no version 1.0 envelope of rules.
        """
        return structure(read_document(data, DOCUMENT), cls, DOCUMENT)

    @classmethod
    def sign(cls, bundle: bytes, signer: Signer) -> Self:
        """Return the bytes of a bundle with the signature of ``signer``.

        Raises: SigningError if no reader would take as many bytes.
        """
        if len(bundle) > MAX_BUNDLE_BYTES:
            raise SigningError(f"the bundle has {len(bundle)} bytes; at most {MAX_BUNDLE_BYTES} can be signed")
        signature = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, bundle))
        return cls(PAYLOAD_TYPE, encode_base64url(bundle), (Signature(signer.keyid, encode_base64url(signature)),))

    def signer_among(self, keys: Iterable[PublicKey]) -> KeyId | None:
        """Return the id of the first of ``keys`` that has signed; None if none has."""
        try:
            signed = pre_authentication_encoding(self.payload_type, self.payload_bytes())
        except DecodeError:
            return None
        for key in keys:
            if any(one.keyid == key.keyid and one.verifies(key, signed) for one in self.signatures):
                return key.keyid
        return None

    def payload_bytes(self) -> bytes:
        """Return the bytes of the bundle.

        Raises: DecodeError if they are no strict base64.
        """
        return decode_base64(self.payload)

    def to_bytes(self) -> bytes:
        """Return the document as it is written to disk."""
        members: JsonObject = {
            "schema_version": SCHEMA_VERSION,
            "payloadType": self.payload_type,
            "payload": self.payload,
            "signatures": [attrs.asdict(signature) for signature in self.signatures],
        }
        return pretty_bytes(members)
