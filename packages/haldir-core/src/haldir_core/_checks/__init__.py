"""The verification contract: 25 checks in order, one table.

``spec/checks.json`` and the reference page of the documentation are generated from it.
"""

from collections.abc import Callable, Iterable

from attrs import frozen

from haldir_core._checks import content, folder, revoked, signatures
from haldir_core._checks.case import Case, Failures
from haldir_core.codes import ErrorCode
from haldir_core.errors import Problem


@frozen
class Check:
    """One row: its number, the codes with which it can fail, what it makes sure of, and how."""

    number: int
    codes: tuple[ErrorCode, ...]
    title: str
    run: Callable[[Case], Failures]


_C = ErrorCode
CHECKS = (
    Check(1, (_C.NO_ENVELOPE,), "The folder has a .vault", folder.vault_is_there),
    Check(2, (_C.INCOMPLETE,), "The four required files are in .vault", folder.vault_is_complete),
    Check(3, (_C.SYMLINK,), "Nothing in the folder is a symbolic link", folder.no_symbolic_links),
    Check(4, (_C.HARDLINK,), "No file has a second name", folder.no_hard_links),
    Check(5, (_C.UNSAFE_FILE,), "Everything is a regular file with a UTF-8 name", folder.only_regular_files),
    Check(6, (_C.LIMITS,), "Number, depth and sizes are within the limits", folder.within_limits),
    Check(7, (_C.EXTRA_FILES,), ".vault holds only names of the format", folder.only_known_names_in_vault),
    Check(
        8, (_C.INVALID_ENVELOPE, _C.UNSUPPORTED_VERSION), "signature.json is an envelope", signatures.envelope_is_valid
    ),
    Check(9, (_C.UNKNOWN_KEY,), "A key that may sign skills is among the signers", signatures.a_signer_is_trusted),
    Check(10, (_C.DECODE_FAILED,), "The payload is strict base64", signatures.payload_decodes),
    Check(11, (_C.DECODE_FAILED,), "A trusted key's signature is 64 bytes", signatures.a_trusted_signature_decodes),
    Check(12, (_C.BAD_SIGNATURE,), "A trusted key's signature verifies", signatures.a_trusted_signature_verifies),
    Check(13, (_C.THRESHOLD,), "As many keys have signed as the caller requires", signatures.enough_signatures),
    Check(
        14,
        (_C.INVALID_ATTESTATION, _C.UNSUPPORTED_VERSION),
        "The payload is an attestation",
        content.attestation_is_valid,
    ),
    Check(
        15,
        (_C.INTEGRITY_MISMATCH,),
        "attestation.json is the payload, byte for byte",
        content.attestation_on_disk_is_the_signed_one,
    ),
    Check(16, (_C.UNKNOWN_CRITICAL,), "Every critical member is known", content.critical_members_are_known),
    Check(
        17,
        (_C.INTEGRITY_MISMATCH, _C.EXTRA_FILES),
        "The vetting report is the signed one, or there is none",
        content.vetting_report_is_bound,
    ),
    Check(18, (_C.INTEGRITY_MISMATCH,), "integrity.json is the signed one", content.manifest_is_the_signed_one),
    Check(
        19,
        (_C.INVALID_INTEGRITY, _C.UNSUPPORTED_VERSION),
        "integrity.json is a manifest",
        content.manifest_is_valid,
    ),
    Check(
        20,
        (_C.INTEGRITY_MISMATCH,),
        "Every file of the manifest is there, unchanged",
        content.files_are_the_signed_ones,
    ),
    Check(21, (_C.EXTRA_FILES,), "Every file is in the manifest", content.no_file_was_added),
    Check(22, (_C.INVALID_ENVELOPE,), "permissions.json holds permissions", content.permissions_are_valid),
    Check(
        23, (_C.INTEGRITY_MISMATCH,), "permissions.json says what was signed", content.permissions_are_the_signed_ones
    ),
    Check(24, (_C.REVOCATION_STALE,), "A revocation list serves the context", revoked.revocation_list_serves),
    Check(25, (_C.REVOKED,), "No list that counts revokes the skill", revoked.skill_is_not_revoked),
)

CONTENT_CHECKS = CHECKS[:23]
"""All checks but those of revocation."""


@frozen
class Failed:
    """The check that ended a verification, and what it reported."""

    check: Check
    problems: tuple[Problem, ...]


def first_failure(case: Case, checks: Iterable[Check]) -> Failed | None:
    """Run ``checks`` in order; return the first that fails, or None if all pass."""
    for check in checks:
        problems = tuple(check.run(case))
        if problems:
            return Failed(check, problems)
    return None
