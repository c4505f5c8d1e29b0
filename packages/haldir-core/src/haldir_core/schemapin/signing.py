"""Sign schemas and skill folders: the legacy signature that every SDK verifies, and a statement beside it."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.digest import parse_digest
from haldir_core.errors import MalformedError, SigningError
from haldir_core.schemapin.canon import CANONICALIZATION, schemapin_v1
from haldir_core.schemapin.evidence import Tool
from haldir_core.schemapin.folders import SkillFolder
from haldir_core.schemapin.keys import Signer
from haldir_core.schemapin.scans import ScanResult
from haldir_core.schemapin.schemas import SignedSchema
from haldir_core.schemapin.sigfile import SignatureFile, version_for
from haldir_core.schemapin.signatures import sha256_digest, sign_digest
from haldir_core.schemapin.statement import Statement, Subject, signed_members
from haldir_core.schemapin.times import Moment, written_time


class Form(Enum):
    """What is written beside the legacy signature."""

    WITH_STATEMENT = "with-statement"
    LEGACY = "legacy"
    """Nothing: byte for byte what the Python SDK writes.  Its metadata can be forged by anybody."""


@frozen(kw_only=True)
class Claims:
    """What a publisher says when it signs.

    Attributes:
        tool: whose tool it is; the tool id counts in the statement only.
        name: the name of the skill; None for the one in ``SKILL.md``.
        expires_at: when the signature stops to hold.
        schema_version: the publisher's version.
        previous_hash: ``skill_hash`` of the version before this one.
        signer_kid: how the key is called; None for its fingerprint.
        canonicalization: whether the legacy members name the canonical form; None leaves it out.
    """

    tool: Tool
    name: str | None = None
    expires_at: datetime | None = None
    schema_version: str | None = None
    previous_hash: str | None = None
    scan: ScanResult | None = None
    signer_kid: str | None = None
    canonicalization: str | None = None
    form: Form = Form.WITH_STATEMENT


def sign_skill(folder: SkillFolder, claims: Claims, signer: Signer, *, now: datetime) -> bytes:
    """Return the ``.schemapin.sig`` of a folder; write it with `write_signature_file`.

    Extra members of a signature file that is there already are not kept: they were about what was signed before.

    Raises:
        UnsafeSkillError: if the folder holds what no signature covers: links, special files, odd names.
        SigningError: if the folder has a ``.vault``, the claims contradict each other, or no verifier would read
            the file: too large, an empty name, half of a surrogate pair.
    """
    folder.refuse_problems()
    if folder.has_vault:
        raise SigningError(
            f"{folder.path} has a .vault: SchemaPin signs first, and Haldir after it, so that its signature covers"
            " .schemapin.sig: remove .vault, sign again, and then sign with Haldir"
        )
    _check(claims, now)
    root = folder.root_v1()
    name = folder.skill_name if claims.name is None else claims.name
    times = _times(claims, now)
    extra = _extra(claims, signer, times, _Signed(Subject.SKILL, name, root, folder.root_v2()))
    optional = (times[1], claims.schema_version, claims.previous_hash, claims.canonicalization)
    data = SignatureFile(
        schemapin_version=version_for(*optional),
        skill_name=name,
        skill_hash=f"sha256:{root.hex()}",
        signature=sign_digest(signer, root),
        signed_at=times[0],
        domain=claims.tool.domain,
        signer_kid=claims.signer_kid or signer.public_key.fingerprint,
        file_manifest=dict(folder.manifest()),
        expires_at=times[1],
        schema_version=claims.schema_version,
        previous_hash=claims.previous_hash,
        canonicalization=claims.canonicalization,
        extra=extra,
    ).to_bytes()
    _check_readable(data)
    return data


def sign_schema_file(
    schema: JsonValue, claims: Claims, signer: Signer, *, now: datetime, metadata: JsonObject | None = None
) -> SignedSchema:
    """Return a schema with its signature; ``metadata`` is shown to people, and signed by nothing.

    Raises:
        MalformedError: if the schema has no canonical form.
        SigningError: if the claims contradict each other, or no verifier would read them.
    """
    _check(claims, now)
    root = sha256_digest(schemapin_v1(schema))
    times = _times(claims, now)
    name = claims.tool.tool_id if claims.name is None else claims.name
    return SignedSchema(
        schema=schema,
        signature=sign_digest(signer, root),
        signed_at=times[0],
        metadata=metadata or {},
        expires_at=times[1],
        canonicalization=claims.canonicalization,
        extra=_extra(claims, signer, times, _Signed(Subject.SCHEMA, name, root, root)),
    )


@frozen
class _Signed:
    """What a statement is about."""

    subject: Subject
    name: str
    root_v1: bytes
    root_v2: bytes


def _check(claims: Claims, now: datetime) -> None:
    """Refuse claims that no verifier would believe."""
    if claims.expires_at is not None and claims.expires_at <= now:
        raise SigningError("the signature would have expired already: give a later time")
    if claims.canonicalization not in {None, CANONICALIZATION}:
        raise SigningError(f"{claims.canonicalization!r} is not {CANONICALIZATION}")
    if claims.previous_hash is not None:
        try:
            parse_digest(claims.previous_hash)
        except ValueError as error:
            raise SigningError(f"previous_hash {error}") from error


def _check_readable(data: bytes) -> None:
    try:
        SignatureFile.from_bytes(data)
    except MalformedError as error:
        raise SigningError(f"no verifier would read this signature: {error}") from error


def _times(claims: Claims, now: datetime) -> tuple[str, str | None]:
    return written_time(now), None if claims.expires_at is None else written_time(claims.expires_at)


def _extra(claims: Claims, signer: Signer, times: tuple[str, str | None], signed: _Signed) -> JsonObject:
    if claims.form is Form.LEGACY:
        return {}
    signed_at, expires_at = times
    statement = Statement(
        subject=signed.subject,
        name=signed.name,
        domain=claims.tool.domain,
        tool_id=claims.tool.tool_id,
        root_v1=signed.root_v1,
        root_v2=signed.root_v2,
        signed_at=Moment.parse(signed_at),
        expires_at=None if expires_at is None else Moment.parse(expires_at),
        schema_version=claims.schema_version,
        previous_hash=claims.previous_hash,
        scan=claims.scan,
    )
    try:
        Statement.from_json(statement.to_json())
        return signed_members(statement, signer)
    except MalformedError as error:
        raise SigningError(f"no verifier would read this {error}") from error
