"""The steps that the verifications of schemas and of skills share; each refuses or returns what the next one needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn

import attrs
from attrs import define, frozen

from haldir_core.canonical import JsonValue
from haldir_core.errors import KeyFileError, MalformedError
from haldir_core.schemapin.canon import check_canonicalization
from haldir_core.schemapin.codes import Downgrade, ErrorCode, PinStatus, WarningCode
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.dnsrecord import DnsStanding, compare
from haldir_core.schemapin.evidence import CLOCK_SKEW, Evidence, Expiry, Policy, StatementDemand, Tool
from haldir_core.schemapin.folders import TamperReport
from haldir_core.schemapin.keys import PublicKey
from haldir_core.schemapin.pins import Candidate, Change, Outcome
from haldir_core.schemapin.results import Metadata, Verification
from haldir_core.schemapin.revocation import KeyRevocations, judge_revocation
from haldir_core.schemapin.scans import ScanStanding
from haldir_core.schemapin.signatures import HashForm
from haldir_core.schemapin.statement import Statement, Subject, declared_canonicalization, read_signed
from haldir_core.schemapin.times import Moment

UNKNOWN = Metadata()


class Refused(Exception):  # noqa: N818 - a result on its way out, not an error
    """A step failed; nothing after it happens."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        """Say that the result is ``code``."""
        super().__init__(message)
        self.code = code


@define
class Case:
    """One verification in progress: the question, and what is known so far."""

    tool: Tool
    evidence: Evidence
    policy: Policy
    now: datetime
    fingerprint: str | None = None
    developer_name: str | None = None
    warnings: tuple[str, ...] = ()
    expired: bool = False
    metadata: Metadata = UNKNOWN
    root: bytes | None = None
    form: HashForm | None = None
    tampered: TamperReport | None = None

    def refused(self, refusal: Refused) -> Verification:
        """Return the result of a verification that a step refused."""
        return attrs.evolve(self.accepted(None), valid=False, error_code=refusal.code, error_message=str(refusal))

    def accepted(self, status: PinStatus | None) -> Verification:
        """Return the result of a verification whose steps all held."""
        return Verification(
            valid=True,
            domain=self.tool.domain,
            tool_id=self.tool.tool_id,
            developer_name=self.developer_name,
            fingerprint=self.fingerprint,
            key_pinning=status,
            warnings=self.warnings,
            expired=self.expired,
            metadata=self.metadata,
            root=self.root,
            hash_form=self.form,
            tampered=self.tampered,
        )

    def warn(self, *warnings: str) -> None:
        """Note warnings."""
        self.warnings += warnings


@frozen(kw_only=True)
class Covered:
    """What a statement must agree with: the hashes that were computed, and the legacy members beside it."""

    subject: Subject
    root_v1: bytes
    root_v2: bytes
    legacy: Mapping[str, JsonValue]


def refuse(code: ErrorCode, message: str) -> NoReturn:
    """End the verification."""
    raise Refused(code, message)


def check_form(identifier: JsonValue, extra: Mapping[str, JsonValue]) -> None:
    """Step 0: no cryptography happens under the name of a canonical form that is not known."""
    try:
        if identifier is not None:
            check_canonicalization(identifier)
        if extra:
            check_canonicalization(declared_canonicalization(extra))
    except MalformedError as error:
        raise Refused(ErrorCode.CANONICALIZATION_UNSUPPORTED, str(error)) from error


def publisher_key(case: Case) -> PublicKey:
    """Steps 1 to 3: the key of the domain, which no list revokes."""
    discovery = _discovery(case.evidence)
    try:
        key = PublicKey.from_pem(discovery.public_key_pem)
    except KeyFileError as error:
        raise Refused(ErrorCode.KEY_NOT_FOUND, f"public_key_pem of the discovery document {error}") from error
    case.fingerprint, case.developer_name = key.fingerprint, discovery.developer_name
    judgement = judge_revocation(
        key.fingerprint,
        discovery,
        _revocations(case.evidence),
        domain=case.tool.domain,
        now=case.now,
        policy=case.policy.revocation,
    )
    if judgement.code is not None:
        refuse(judgement.code, judgement.message)
    if judgement.message:
        case.warn(WarningCode.REVOCATION_UNKNOWN)
    if warnings := discovery.version_warnings():
        case.warn(*warnings)
    return key


def peek_at_pins(case: Case, key: PublicKey) -> Candidate:
    """Step 4: refuse a key that is not the pinned one; nothing is written yet."""
    pem = key.to_pem().decode("ascii")
    candidate = Candidate(
        tool_id=case.tool.tool_id,
        domain=case.tool.domain,
        fingerprint=key.fingerprint,
        public_key_pem=pem,
        developer_name=case.developer_name,
    )
    if case.evidence.pins is not None:
        judgement = case.evidence.pins.peek(candidate)
        if judgement.outcome is Outcome.REFUSED:
            refuse(ErrorCode.KEY_PIN_MISMATCH, judgement.message)
    return candidate


def note_form(case: Case, form: HashForm | None) -> None:
    """Step 6: refuse what did not verify; report the compatibility mode."""
    if form is None:
        refuse(ErrorCode.SIGNATURE_INVALID, "the signature is not that of the publisher's key over this content")
    case.form = form
    if form is HashForm.SINGLE:
        case.warn(WarningCode.SINGLE_HASH)


def signed_statement(case: Case, key: PublicKey, extra: Mapping[str, JsonValue]) -> Statement | None:
    """Step 7: the statement of the key, about the tool that the caller means; None if there is none."""
    try:
        statement = read_signed(extra, key)
    except MalformedError as error:
        raise Refused(ErrorCode.SIGNATURE_INVALID, str(error)) from error
    if statement is None:
        if case.policy.statement is StatementDemand.REQUIRED:
            refuse(ErrorCode.SIGNATURE_INVALID, "a signed statement is required, and there is none")
        return None
    tool = case.tool
    if (statement.domain, statement.tool_id) != (tool.domain, tool.tool_id):
        said = f"{statement.tool_id!r} of {statement.domain!r}"
        refuse(ErrorCode.DOMAIN_MISMATCH, f"the statement is about {said}, not about {tool.tool_id!r} of {tool.domain}")
    return statement


def authenticated(statement: Statement, covered: Covered) -> Metadata:
    """Step 7, continued: the metadata of a statement that agrees with everything else."""
    if statement.subject is not covered.subject:
        refuse(ErrorCode.SIGNATURE_INVALID, f"the statement is about a {statement.subject.name.lower()}")
    if (statement.root_v1, statement.root_v2) != (covered.root_v1, covered.root_v2):
        refuse(ErrorCode.SIGNATURE_INVALID, "the statement is about another content: its hashes are not those found")
    expires_at = statement.expires_at.text if statement.expires_at else None
    said_by = {
        "skill_name": statement.name,
        "domain": statement.domain,
        "signed_at": statement.signed_at.text,
        "expires_at": expires_at,
        "schema_version": statement.schema_version,
        "previous_hash": statement.previous_hash,
    }
    for name, value in covered.legacy.items():
        if said_by[name] != value:
            refuse(ErrorCode.SIGNATURE_INVALID, f"{name} is {value!r} here, and {said_by[name]!r} in the statement")
    return Metadata(
        authenticated=True,
        name=statement.name,
        signed_at=statement.signed_at,
        expires_at=expires_at,
        schema_version=statement.schema_version,
        previous_hash=statement.previous_hash,
        scan=statement.scan,
    )


def apply_policy(case: Case, metadata: Metadata, expires_at: JsonValue) -> None:
    """Step 8: what follows from times and scan; ``expires_at`` is as the document has it."""
    expires = None
    if expires_at is not None:
        expires = read_moment(expires_at)
        if expires is None:
            _degrade(case, WarningCode.EXPIRES_AT_UNPARSEABLE, "expires_at is no RFC 3339 time")
        elif expires <= Moment.at(case.now):
            _degrade(case, WarningCode.SIGNATURE_EXPIRED, f"the signature expired at {expires.text}")
            case.expired = True
    signed = metadata.signed_at
    if metadata.authenticated and signed is not None and signed.moment - case.now > CLOCK_SKEW:
        _degrade(case, WarningCode.SIGNED_IN_FUTURE, f"the signature says that it was made at {signed.text}")
    standing, reason = case.policy.scan.judge(metadata.scan)
    if standing is not ScanStanding.ACCEPTED:
        if standing is ScanStanding.REFUSED:
            refuse(ErrorCode.SIGNATURE_INVALID, reason)
        case.warn(WarningCode.SCAN_OUTDATED)
    shown = expires.text if expires else None
    case.metadata = metadata if metadata.expires_at == shown else attrs.evolve(metadata, expires_at=shown)


def finish(case: Case, candidate: Candidate) -> Verification:
    """Steps 9 and 10: ask DNS, and at last keep the pin."""
    dns = case.evidence.dns
    if dns is not None and compare(dns, candidate.fingerprint) is DnsStanding.MISMATCH:
        refuse(ErrorCode.DOMAIN_MISMATCH, f"the DNS record of {candidate.domain} names another key")
    memory = case.evidence.statements
    if memory is not None and not case.metadata.authenticated:
        _note_downgrade(case, memory.downgrade(candidate.domain, candidate.tool_id))
    status = None
    if case.evidence.pins is not None:
        judgement = case.evidence.pins.commit(candidate, case.now)
        if judgement.outcome is not Outcome.ACCEPTED:
            refuse(ErrorCode.KEY_PIN_MISMATCH, judgement.message or "the key was not accepted")
        status = judgement.status
        if memory is not None and case.metadata.authenticated and judgement.change is not Change.NOTHING:
            memory.note_statement(candidate.domain, candidate.tool_id, case.now)
    return case.accepted(status)


def read_moment(value: JsonValue) -> Moment | None:
    """Return the time that a member of a document is; None if it is none."""
    try:
        return Moment.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _note_downgrade(case: Case, downgrade: Downgrade) -> None:
    """Refuse what had a signed statement once and has none now, or warn: whoever can remove it can forge the rest."""
    if downgrade is Downgrade.REFUSED:
        refuse(ErrorCode.SIGNATURE_INVALID, "there is no signed statement, and this tool had one before")
    if downgrade is Downgrade.WARNED:
        case.warn(WarningCode.STATEMENT_DROPPED)


def _discovery(evidence: Evidence) -> Discovery:
    if isinstance(evidence.discovery, Discovery):
        return evidence.discovery
    try:
        return Discovery.from_bytes(evidence.discovery)
    except MalformedError as error:
        raise Refused(ErrorCode.DISCOVERY_INVALID, str(error)) from error


def _revocations(evidence: Evidence) -> KeyRevocations | None:
    if not isinstance(evidence.revocations, bytes):
        return evidence.revocations
    try:
        return KeyRevocations.from_bytes(evidence.revocations)
    except MalformedError as error:
        raise Refused(ErrorCode.DISCOVERY_INVALID, str(error)) from error


def _degrade(case: Case, warning: WarningCode, reason: str) -> None:
    if case.policy.expiry is Expiry.REJECT:
        refuse(ErrorCode.SIGNATURE_INVALID, f"{reason}, and the policy rejects that")
    case.warn(warning)
