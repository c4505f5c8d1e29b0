"""Verify schemas and skill folders offline: steps in a fixed order, the first that fails decides.

The order is that of the SDKs, but nothing is written before everything held: the pin comes last.  The domain and the
tool id come from the caller, never from what is verified.  Spec: schemapin, section 8.
"""

import hashlib
from datetime import datetime

from haldir_core.errors import MalformedError, UnsafeSkillError
from haldir_core.schemapin._steps import (
    UNKNOWN,
    Case,
    Covered,
    Refused,
    apply_policy,
    authenticated,
    check_form,
    finish,
    note_form,
    peek_at_pins,
    publisher_key,
    read_moment,
    refuse,
    signed_statement,
)
from haldir_core.schemapin.canon import schemapin_v1
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.domains import Domain, parse_domain
from haldir_core.schemapin.evidence import DEFAULT_POLICY, Evidence, Policy, Tool
from haldir_core.schemapin.folders import SIGNATURE_FILE, FolderVault, SkillFolder, TamperReport, compare_manifests
from haldir_core.schemapin.keys import PublicKey
from haldir_core.schemapin.results import Metadata, Verification
from haldir_core.schemapin.schemas import SignedSchema, schema_hash_form
from haldir_core.schemapin.sigfile import SignatureFile
from haldir_core.schemapin.signatures import Accepted, HashForm, digest_verifies, message_verifies, sha256_digest
from haldir_core.schemapin.statement import Subject

_VAULT_ADDED = (
    "the signature is that of this folder without its .vault, which Haldir added later: verify the Haldir envelope too,"
    " with a key that you trust, for only then .vault is left out (SDKs that do not know Haldir refuse such a folder)"
)
_VAULT_SIGNED = (
    "SchemaPin signed this folder with a .vault in it, which is the wrong order: remove .vault, sign with SchemaPin,"
    " then with Haldir"
)


def verify_schema(
    signed: SignedSchema, tool: Tool, evidence: Evidence, *, now: datetime, policy: Policy = DEFAULT_POLICY
) -> Verification:
    """Return whether ``signed`` is by the publisher of ``tool``.

    Raises: PinError or what else the ledger of pins raises when it cannot be read or written.
    """
    case = Case(tool, evidence, policy, now)
    try:
        return _schema(case, signed)
    except Refused as refusal:
        return case.refused(refusal)


def verify_skill(
    folder: SkillFolder,
    tool: Tool,
    evidence: Evidence,
    *,
    now: datetime,
    policy: Policy = DEFAULT_POLICY,
    vault: FolderVault = FolderVault.CONTENT,
) -> Verification:
    """Return whether what was read of a skill folder is by the publisher of ``tool``.

    ``vault`` is what `HaldirEnvelope.vault_of` returns for this folder, which is LEFT_OUT where its Haldir envelope
    is valid; nothing else should say LEFT_OUT.

    Raises: PinError or what else the ledger of pins raises when it cannot be read or written.
    """
    case = Case(tool, evidence, policy, now)
    try:
        return _skill(case, folder, vault)
    except Refused as refusal:
        return case.refused(refusal)


def _schema(case: Case, signed: SignedSchema) -> Verification:
    check_form(signed.canonicalization, signed.extra)
    key = publisher_key(case)
    candidate = peek_at_pins(case, key)
    try:
        canonical = schemapin_v1(signed.schema)
    except MalformedError as error:
        raise Refused(ErrorCode.SCHEMA_CANONICALIZATION_FAILED, str(error)) from error
    root = sha256_digest(canonical)
    case.root = root
    note_form(case, schema_hash_form(key, signed.signature, signed.schema, canonical, case.policy.accepted, root))
    statement = signed_statement(case, key, signed.extra)
    if statement is None:
        metadata = UNKNOWN if signed.signed_at is None else Metadata(signed_at=read_moment(signed.signed_at))
    else:
        metadata = authenticated(statement, _covered_schema(signed, root))
    apply_policy(case, metadata, signed.expires_at)
    return finish(case, candidate)


def _covered_schema(signed: SignedSchema, root: bytes) -> Covered:
    return Covered(
        subject=Subject.SCHEMA,
        root_v1=root,
        root_v2=root,
        legacy={"signed_at": signed.signed_at, "expires_at": signed.expires_at},
    )


def _skill(case: Case, folder: SkillFolder, vault: FolderVault) -> Verification:
    document = _signature_file(folder)
    check_form(document.canonicalization, document.extra)
    if _domain(document.domain) != case.tool.domain:
        refuse(ErrorCode.DOMAIN_MISMATCH, f"signed for {document.domain[:100]!r}, not for {case.tool.domain}")
    key = publisher_key(case)
    candidate = peek_at_pins(case, key)
    try:
        folder.refuse_problems(vault)
    except UnsafeSkillError as error:
        raise Refused(ErrorCode.SCHEMA_CANONICALIZATION_FAILED, str(error)) from error
    root = folder.root_v1(vault)
    tampered = _tampered(document, folder, vault)
    case.root, case.tampered = root, tampered
    note_form(case, _skill_form(case, key, document.signature, folder, vault))
    _check_recomputed(document, root, tampered)
    statement = signed_statement(case, key, document.extra)
    if statement is None:
        metadata = _unauthenticated(document)
    else:
        metadata = authenticated(statement, _covered(document, root, folder, vault))
    apply_policy(case, metadata, document.expires_at)
    return finish(case, candidate)


def _signature_file(folder: SkillFolder) -> SignatureFile:
    if folder.signature_file is None:
        others = [problem.message for problem in folder.problems if problem.path == SIGNATURE_FILE]
        refuse(ErrorCode.SIGNATURE_INVALID, "; ".join(others) or f"no {SIGNATURE_FILE} in the skill folder")
    try:
        return SignatureFile.from_bytes(folder.signature_file)
    except MalformedError as error:
        raise Refused(ErrorCode.SIGNATURE_INVALID, str(error)) from error


def _domain(text: str) -> Domain | None:
    try:
        return parse_domain(text)
    except MalformedError:
        return None


def _tampered(document: SignatureFile, folder: SkillFolder, vault: FolderVault) -> TamperReport | None:
    """Return how the folder differs from the manifest; None if it does not, or there is none."""
    if document.file_manifest is None:
        return None
    return compare_manifests(folder.manifest(vault), document.file_manifest) or None


def _skill_form(case: Case, key: PublicKey, signature: str, folder: SkillFolder, vault: FolderVault) -> HashForm | None:
    accepted = case.policy.accepted
    form = _form(key, signature, folder.root_v1_input(vault), accepted)
    if form is None and folder.has_vault:
        other = FolderVault.LEFT_OUT if vault is FolderVault.CONTENT else FolderVault.CONTENT
        if _form(key, signature, folder.root_v1_input(other), accepted) is not None:
            refuse(ErrorCode.SIGNATURE_INVALID, _VAULT_ADDED if vault is FolderVault.CONTENT else _VAULT_SIGNED)
    return form


def _form(key: PublicKey, signature: str, hashed: bytes, accepted: Accepted) -> HashForm | None:
    """Return in which form a signature is over these digests; they are hexadecimal, so no bundle looks like them."""
    if digest_verifies(key, signature, sha256_digest(hashed)):
        return HashForm.DOUBLE
    if accepted is Accepted.DOUBLE_OR_SINGLE_HASH and message_verifies(key, signature, hashed):
        return HashForm.SINGLE
    return None


def _check_recomputed(document: SignatureFile, root: bytes, tampered: TamperReport | None) -> None:
    """Refuse a file that contradicts what it signs: nobody but a forger writes one.

    The Rust SDK hashes the root once more for ``skill_hash``.
    """
    if document.skill_hash not in {f"sha256:{root.hex()}", f"sha256:{hashlib.sha256(root).hexdigest()}"}:
        refuse(ErrorCode.SIGNATURE_INVALID, "skill_hash is not the hash of this folder, though its signature is good")
    if tampered is not None:
        refuse(ErrorCode.SIGNATURE_INVALID, f"file_manifest is not that of this folder: {tampered}")


def _covered(document: SignatureFile, root: bytes, folder: SkillFolder, vault: FolderVault) -> Covered:
    return Covered(
        subject=Subject.SKILL,
        root_v1=root,
        root_v2=folder.root_v2(vault),
        legacy={
            "skill_name": document.skill_name,
            "domain": document.domain,
            "signed_at": document.signed_at,
            "expires_at": document.expires_at,
            "schema_version": document.schema_version,
            "previous_hash": document.previous_hash,
        },
    )


def _unauthenticated(document: SignatureFile) -> Metadata:
    return Metadata(
        name=document.skill_name or None,
        signed_at=read_moment(document.signed_at),
        schema_version=document.schema_version,
        previous_hash=document.previous_hash,
    )
