"""Checks 14 to 23: whether the folder is what the signers signed."""

from datetime import timedelta

from haldir_core._checks.case import Case, Failures
from haldir_core._revocation_status import CLOCK_SKEW
from haldir_core.attestation import Attestation
from haldir_core.codes import ErrorCode, WarningCode
from haldir_core.digest import sha256
from haldir_core.errors import MalformedError, Problem, UnsupportedVersionError
from haldir_core.manifest import Manifest
from haldir_core.permissions import Permissions
from haldir_core.report import VettingReport
from haldir_core.timestamp import later

KNOWN_CRITICAL: frozenset[str] = frozenset()
"""The members that a signer may mark as critical; version 1.0 defines none."""

VETTING_LIFETIME = timedelta(days=30)
"""A report that was older than this when the skill was signed is stale."""


def attestation_is_valid(case: Case) -> Failures:
    """Check 14."""
    try:
        case.attestation = Attestation.from_bytes(case.payload)
    except UnsupportedVersionError as error:
        yield Problem(ErrorCode.UNSUPPORTED_VERSION, str(error))
    except MalformedError as error:
        yield Problem(ErrorCode.INVALID_ATTESTATION, str(error))


def attestation_on_disk_is_the_signed_one(case: Case) -> Failures:
    """Check 15."""
    if case.document("attestation.json") != case.payload:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, "attestation.json differs from the signed payload")


def critical_members_are_known(case: Case) -> Failures:
    """Check 16."""
    unknown = [name for name in case.attestation.critical or () if name not in KNOWN_CRITICAL]
    if unknown:
        message = f"Unknown critical member: {unknown[0][:100]!r}: this version of Haldir cannot judge the skill"
        yield Problem(ErrorCode.UNKNOWN_CRITICAL, message)


def vetting_report_is_bound(case: Case) -> Failures:
    """Check 17; sets the report once its bytes are what the attestation says."""
    expected = case.attestation.vetting_report_hash
    data = (case.question.snapshot.vault or {}).get("vetting-report.json")
    if expected is None:
        if data is not None:
            message = ".vault/vetting-report.json is not named by the attestation: nobody signed it"
            yield Problem(ErrorCode.EXTRA_FILES, message, ".vault/vetting-report.json")
        return
    if data is None:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, "The vetting report that was signed is missing")
        return
    if sha256(data) != expected:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, "vetting-report.json differs from the one that was signed")
        return
    try:
        case.report = VettingReport.from_bytes(data)
    except MalformedError as error:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, f"The vetting report that was signed is no report: {error}")
        return
    _judge_age(case, case.report)


def manifest_is_the_signed_one(case: Case) -> Failures:
    """Check 18."""
    if sha256(case.document("integrity.json")) != case.attestation.integrity_hash:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, "integrity.json differs from the one that was signed")


def manifest_is_valid(case: Case) -> Failures:
    """Check 19."""
    try:
        case.manifest = Manifest.from_bytes(case.document("integrity.json"))
    except UnsupportedVersionError as error:
        yield Problem(ErrorCode.UNSUPPORTED_VERSION, str(error))
    except MalformedError as error:
        yield Problem(ErrorCode.INVALID_INTEGRITY, str(error))


def files_are_the_signed_ones(case: Case) -> Failures:
    """Check 20; reports the first file that was changed or removed."""
    files = case.question.snapshot.files
    for path in case.manifest.mismatches(files):
        fate = "was changed after signing" if path in files else "is missing"
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, f"{path} {fate}", path)
        return


def no_file_was_added(case: Case) -> Failures:
    """Check 21; reports the first file that the manifest does not name."""
    declared = case.manifest.files
    for path in case.question.snapshot.files:
        if path not in declared:
            yield Problem(ErrorCode.EXTRA_FILES, f"{path} was added after signing", path)
            return


def permissions_are_valid(case: Case) -> Failures:
    """Check 22."""
    try:
        case.permissions = Permissions.from_bytes(case.document("permissions.json"))
    except MalformedError as error:
        yield Problem(ErrorCode.INVALID_ENVELOPE, str(error))


def permissions_are_the_signed_ones(case: Case) -> Failures:
    """Check 23; compares content, so that white space may change."""
    if case.permissions.digest() != case.attestation.permissions_hash:
        yield Problem(ErrorCode.INTEGRITY_MISMATCH, "permissions.json differs from the one that was signed")


def _judge_age(case: Case, report: VettingReport) -> None:
    vetted, signed = report.vetting_timestamp.moment, case.attestation.signed_at.moment
    if vetted > later(signed, CLOCK_SKEW):
        case.warn(WarningCode.VETTING_TIMESTAMP_INVALID, "The vetting report is dated after the signature")
    elif vetted < later(signed, -VETTING_LIFETIME):
        case.warn(WarningCode.VETTING_STALE, "The vetting was more than 30 days old when the skill was signed")
