"""The signed statement that authenticates what SchemaPin 1.4 leaves unsigned.

An in-toto v1 statement over the root hashes and all metadata, in RFC 8785 form, signed by DSSE.  It stands as an extra
member ``statement`` with its signatures in ``signatures``; SDKs that do not know it ignore both.  The payload type is
part of what is signed, so no signature over a schema, a skill or a bundle is one over a statement.
Spec: schemapin, section 7.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from attrs import frozen

from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes
from haldir_core.envelope import pre_authentication_encoding
from haldir_core.errors import MalformedError
from haldir_core.schemapin._fields import optional_text, text_of, without_none
from haldir_core.schemapin.canon import check_canonicalization
from haldir_core.schemapin.keys import PublicKey, Signer
from haldir_core.schemapin.scans import ScanResult
from haldir_core.schemapin.signatures import message_verifies, sign_message
from haldir_core.schemapin.times import Moment

DOCUMENT = "statement"
PAYLOAD_TYPE = "application/vnd.haldir.schemapin+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
ALGORITHM = "ES256"
DEVELOPER = "developer"
"""The one role of today: the key whose signature stands in ``signature`` too."""

MAX_SIGNATURES = 100
"""More signatures than that are refused, so that one verification costs a bounded time."""


class Subject(StrEnum):
    """What a statement is about; the value is its predicate type."""

    SKILL = "https://haldir.example/spec/schemapin/skill/v1.5"
    SCHEMA = "https://haldir.example/spec/schemapin/schema/v1.5"


@frozen(kw_only=True)
class Statement:
    """What a publisher says about a skill or a schema.

    Attributes:
        name: the name of the skill, or of the tool.
        root_v1: the hash that the legacy signature is over: of a folder (v1), or of a canonical schema; 32 bytes.
        root_v2: the hash v2 of a folder; for a schema the same as ``root_v1``.
        expires_at: when it stops to hold, or None.
        schema_version: the publisher's version.
        previous_hash: ``sha256:`` and the root of the version before this one.
    """

    subject: Subject
    name: str
    domain: str
    tool_id: str
    root_v1: bytes
    root_v2: bytes
    signed_at: Moment
    expires_at: Moment | None = None
    schema_version: str | None = None
    previous_hash: str | None = None
    scan: ScanResult | None = None

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read a statement; unknown members of the predicate are allowed, for they are signed too.

        Raises: MalformedError
        """
        members = _object(value, DOCUMENT)
        if members.get("_type") != STATEMENT_TYPE:
            raise MalformedError(DOCUMENT, f"_type is not {STATEMENT_TYPE}")
        kind = members.get("predicateType")
        if kind not in set(Subject):
            raise MalformedError(DOCUMENT, "predicateType is none that this library knows")
        predicate = _object(members.get("predicate"), f"{DOCUMENT}: predicate")
        name, digest = _subject(members.get("subject"))
        check_canonicalization(predicate.get("canonicalization"), f"{DOCUMENT}: canonicalization")
        expires = optional_text(predicate, "expires_at", DOCUMENT)
        scan = predicate.get("scan")
        statement = cls(
            subject=Subject(str(kind)),
            name=name,
            domain=text_of(predicate, "domain", DOCUMENT),
            tool_id=text_of(predicate, "tool_id", DOCUMENT),
            root_v1=_root(predicate, "root_v1"),
            root_v2=_root(predicate, "root_v2"),
            signed_at=_moment(text_of(predicate, "signed_at", DOCUMENT), "signed_at"),
            expires_at=None if expires is None else _moment(expires, "expires_at"),
            schema_version=optional_text(predicate, "schema_version", DOCUMENT),
            previous_hash=optional_text(predicate, "previous_hash", DOCUMENT),
            scan=None if scan is None else ScanResult.from_json(scan, f"{DOCUMENT}: scan"),
        )
        if digest != statement.root_v2:
            raise MalformedError(DOCUMENT, "the digest of the subject is not root_v2")
        return statement

    def to_json(self) -> JsonObject:
        """Return the statement as JSON value."""
        predicate = without_none(
            domain=self.domain,
            tool_id=self.tool_id,
            root_v1=self.root_v1.hex(),
            root_v2=self.root_v2.hex(),
            signed_at=self.signed_at.text,
            expires_at=self.expires_at.text if self.expires_at else None,
            schema_version=self.schema_version,
            previous_hash=self.previous_hash,
            scan=self.scan.to_json() if self.scan else None,
            canonicalization="schemapin-v1",
        )
        return {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": self.name, "digest": {"sha256": self.root_v2.hex()}}],
            "predicateType": str(self.subject),
            "predicate": predicate,
        }


def signed_members(statement: Statement, signer: Signer) -> JsonObject:
    """Return the members ``statement`` and ``signatures`` that a document takes up beside the legacy ones.

    Raises: MalformedError if a text of the statement has no canonical form.
    """
    value = statement.to_json()
    entry: JsonObject = {
        "kid": signer.public_key.fingerprint,
        "role": DEVELOPER,
        "alg": ALGORITHM,
        "signed_at": statement.signed_at.text,
        "payload_type": PAYLOAD_TYPE,
        "sig": sign_message(signer, _signed_bytes(value)),
    }
    return {"statement": value, "signatures": [entry]}


def read_signed(extra: Mapping[str, JsonValue], key: PublicKey) -> Statement | None:
    """Return the statement among the extra members of a document, if ``key`` signed it; None if there is none.

    ``signatures`` without anything of ours are another's, and ignored.

    Raises: MalformedError if there is a statement and no entry of this key verifies, an entry without a statement, or
        the key has two entries.  (Who removes both leaves a document without authenticated metadata.)
    """
    if not extra:
        return None
    value = extra.get("statement")
    entries = _entries(extra.get("signatures"))
    if value is None:
        if any(entry.get("payload_type") == PAYLOAD_TYPE for entry in entries):
            raise MalformedError(DOCUMENT, "is missing, but its signature is there")
        return None
    own = [entry for entry in entries if entry.get("kid") == key.fingerprint]
    if len(own) != 1:
        raise MalformedError(DOCUMENT, f"has {len(own)} signatures of the key {key.fingerprint}: there must be one")
    expected = {"role": DEVELOPER, "alg": ALGORITHM, "payload_type": PAYLOAD_TYPE}
    for name, text in expected.items():
        if own[0].get(name) != text:
            raise MalformedError(f"{DOCUMENT}: signatures", f"{name} of the publisher's entry is not {text}")
    if not message_verifies(key, text_of(own[0], "sig", f"{DOCUMENT}: signatures"), _signed_bytes(value)):
        raise MalformedError(DOCUMENT, f"the signature of the key {key.fingerprint} does not verify")
    statement = Statement.from_json(value)
    if own[0].get("signed_at") != statement.signed_at.text:
        raise MalformedError(f"{DOCUMENT}: signatures", "signed_at is not that of the statement")
    return statement


def declared_canonicalization(extra: Mapping[str, JsonValue]) -> JsonValue:
    """Return the canonical form that the statement among the extra members names; None if it names none."""
    statement = extra.get("statement")
    predicate = statement.get("predicate") if isinstance(statement, Mapping) else None
    return predicate.get("canonicalization") if isinstance(predicate, Mapping) else None


def _signed_bytes(value: JsonValue) -> bytes:
    return pre_authentication_encoding(PAYLOAD_TYPE, canonical_bytes(value))


def _entries(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    if not isinstance(value, list | tuple):
        return []
    if len(value) > MAX_SIGNATURES:
        raise MalformedError(f"{DOCUMENT}: signatures", f"more than {MAX_SIGNATURES} entries")
    return [entry for entry in value if isinstance(entry, Mapping)]


def _object(value: JsonValue, document: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise MalformedError(document, "must be a JSON object")
    return value


def _subject(value: JsonValue) -> tuple[str, bytes]:
    """Return name and digest of the one subject."""
    if not isinstance(value, list | tuple) or len(value) != 1:
        raise MalformedError(DOCUMENT, "subject must be a list of one")
    document = f"{DOCUMENT}: subject"
    subject = _object(value[0], document)
    return text_of(subject, "name", document), _root(_object(subject.get("digest"), document), "sha256")


def _root(members: Mapping[str, JsonValue], name: str) -> bytes:
    text = text_of(members, name, DOCUMENT)
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise MalformedError(DOCUMENT, f"{name} must be 64 lower-case hexadecimal digits")
    return bytes.fromhex(text)


def _moment(text: str, name: str) -> Moment:
    try:
        return Moment.parse(text)
    except ValueError as error:
        raise MalformedError(DOCUMENT, f"{name} {error}") from error
