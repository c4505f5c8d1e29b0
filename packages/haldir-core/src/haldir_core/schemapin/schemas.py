"""Signed schemas: the bare signature of the SDKs, and the file that their command line writes.

Spec: schemapin, sections 3 and 4.
"""

import json
from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.canon import parse_strict_object, schemapin_v1
from haldir_core.schemapin.keys import PublicKey, Signer
from haldir_core.schemapin.signatures import (
    Accepted,
    HashForm,
    digest_verifies,
    message_verifies,
    sha256_digest,
    sign_digest,
)

DOCUMENT = "signed schema"

_KNOWN = frozenset({"schema", "signature", "signed_at", "metadata", "expires_at", "canonicalization"})
_BUNDLE_MEMBERS = frozenset({"schemapin_bundle_version", "bundle_authority", "documents", "revocations"})


@frozen(kw_only=True)
class SignedSchema:
    """A schema with its signature, as a file or a caller gave them.  Only ``schema`` is covered by ``signature``.

    Attributes:
        schema: the JSON value that is signed.
        signature: in base64; empty if the file has none.
        metadata: what the file says about developer, version and such; authenticated by nothing.
        expires_at: what the file says, which need not be a time, nor even a text.
        canonicalization: the same.
        extra: all other members, in order.
    """

    schema: JsonValue
    signature: str
    signed_at: str | None = None
    metadata: Mapping[str, JsonValue] = field(factory=dict)
    expires_at: JsonValue = None
    canonicalization: JsonValue = None
    extra: Mapping[str, JsonValue] = field(factory=dict, repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a signed schema file.

        Raises: MalformedError if ``data`` is no strict JSON object with a schema.
        """
        members = parse_strict_object(data, DOCUMENT)
        if "schema" not in members:
            raise MalformedError(DOCUMENT, "has no schema")
        signature, signed_at, metadata = (members.get(name) for name in ("signature", "signed_at", "metadata"))
        return cls(
            schema=members["schema"],
            signature=signature if isinstance(signature, str) else "",
            signed_at=signed_at if isinstance(signed_at, str) else None,
            metadata=metadata if isinstance(metadata, Mapping) else {},
            expires_at=members.get("expires_at"),
            canonicalization=members.get("canonicalization"),
            extra={name: value for name, value in members.items() if name not in _KNOWN},
        )

    def to_json(self) -> JsonObject:
        """Return the file as JSON value, members in the order of the Python SDK, and ours at the end."""
        optional: dict[str, JsonValue] = {
            "signed_at": self.signed_at,
            "metadata": self.metadata or None,
            "expires_at": self.expires_at,
            "canonicalization": self.canonicalization,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"schema": self.schema, "signature": self.signature, **given, **self.extra}

    def to_bytes(self) -> bytes:
        """Return the file as the command line of the Python SDK writes it: ASCII, two spaces of indent."""
        return json.dumps(self.to_json(), indent=2).encode("ascii")


def sign_schema(schema: JsonValue, signer: Signer) -> str:
    """Return the signature of a schema, in base64.

    Raises: MalformedError if the schema has no canonical form.
    """
    return sign_digest(signer, sha256_digest(schemapin_v1(schema)))


def schema_hash_form(
    key: PublicKey, signature: str, schema: JsonValue, canonical: bytes, accepted: Accepted, root: bytes | None = None
) -> HashForm | None:
    """Return in which form ``signature`` is that of ``key`` over a schema with these canonical bytes; None if in none.

    ``root`` is the SHA-256 of ``canonical``, where the caller has computed it.
    The single hash is what bundles are signed by, so it never counts for an object that looks like a bundle.
    """
    if digest_verifies(key, signature, root or sha256_digest(canonical)):
        return HashForm.DOUBLE
    if accepted is Accepted.DOUBLE_HASH or is_bundle_shaped(schema):
        return None
    return HashForm.SINGLE if message_verifies(key, signature, canonical) else None


def is_bundle_shaped(value: JsonValue) -> bool:
    """Whether a value has a member that a trust bundle has at its top."""
    return isinstance(value, Mapping) and not _BUNDLE_MEMBERS.isdisjoint(value)
