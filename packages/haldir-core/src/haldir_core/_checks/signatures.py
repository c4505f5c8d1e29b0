"""Checks 8 to 13: who signed the payload."""

from collections.abc import Iterator

from haldir_core._checks.case import Case, Failures
from haldir_core.codes import ErrorCode
from haldir_core.encoding import decode_base64
from haldir_core.envelope import Envelope, pre_authentication_encoding
from haldir_core.errors import DecodeError, MalformedError, Problem, UnsupportedVersionError
from haldir_core.keys import SIGNATURE_BYTES, PublicKey
from haldir_core.trust import SKILL_ROLES


def envelope_is_valid(case: Case) -> Failures:
    """Check 8."""
    try:
        case.envelope = Envelope.from_bytes(case.document("signature.json"))
    except UnsupportedVersionError as error:
        yield Problem(ErrorCode.UNSUPPORTED_VERSION, str(error))
    except MalformedError as error:
        yield Problem(ErrorCode.INVALID_ENVELOPE, str(error))


def a_signer_is_trusted(case: Case) -> Failures:
    """Check 9."""
    if not any(_trusted(case)):
        named = ", ".join(signature.keyid[:64] for signature in case.envelope.signatures[:3])
        yield Problem(ErrorCode.UNKNOWN_KEY, f"No signature is by a trusted key (signed by {named})")


def payload_decodes(case: Case) -> Failures:
    """Check 10."""
    try:
        case.payload = case.envelope.payload_bytes()
    except DecodeError as error:
        yield Problem(ErrorCode.DECODE_FAILED, f"The payload is {error}")


def a_trusted_signature_decodes(case: Case) -> Failures:
    """Check 11; true if one signature by a trusted key is 64 bytes in strict base64."""
    if not any(_signature_bytes(sig) for _, sig in _trusted(case)):
        yield Problem(ErrorCode.DECODE_FAILED, "No signature by a trusted key is 64 bytes in base64")


def a_trusted_signature_verifies(case: Case) -> Failures:
    """Check 12; sets the ids of all trusted keys whose signature verifies, in the order of the envelope."""
    message = pre_authentication_encoding(case.envelope.payload_type, case.payload)
    for key, sig in _trusted(case):
        signature = _signature_bytes(sig)
        if signature and key.keyid not in case.signers and key.verifies(signature, message):
            case.signers.append(key.keyid)
    if not case.signers:
        yield Problem(ErrorCode.BAD_SIGNATURE, "No signature by a trusted key verifies: the payload was changed")


def enough_signatures(case: Case) -> Failures:
    """Check 13; what the caller requires beyond one signature."""
    question = case.question
    unmet = question.requirement.unmet(case.signers, len(case.envelope.signatures), question.keyring)
    if unmet:
        yield Problem(ErrorCode.THRESHOLD, f"Not enough signatures: {unmet}")


def _trusted(case: Case) -> Iterator[tuple[PublicKey, str]]:
    """Yield the key and the text of each signature whose key may sign skills."""
    for signature in case.envelope.signatures:
        key = case.question.keyring.find(signature.keyid, SKILL_ROLES)
        if key is not None:
            yield key, signature.sig


def _signature_bytes(sig: str) -> bytes | None:
    try:
        signature = decode_base64(sig)
    except DecodeError:
        return None
    return signature if len(signature) == SIGNATURE_BYTES else None
