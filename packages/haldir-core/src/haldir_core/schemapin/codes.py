"""The words by which SchemaPin results report errors, warnings and pins.  Spec: schemapin, section 8."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a schema, a skill or a bundle is not valid; the twelve codes of SchemaPin 1.4."""

    SIGNATURE_INVALID = "signature_invalid"
    KEY_NOT_FOUND = "key_not_found"
    KEY_REVOKED = "key_revoked"
    KEY_PIN_MISMATCH = "key_pin_mismatch"
    DISCOVERY_FETCH_FAILED = "discovery_fetch_failed"
    DISCOVERY_INVALID = "discovery_invalid"
    DOMAIN_MISMATCH = "domain_mismatch"
    SCHEMA_CANONICALIZATION_FAILED = "schema_canonicalization_failed"
    CANONICALIZATION_UNSUPPORTED = "canonicalization_unsupported"
    A2A_SCOPE_VIOLATION = "a2a_scope_violation"
    BUNDLE_UNSIGNED = "bundle_unsigned"
    BUNDLE_EXPIRED = "bundle_expired"


class WarningCode(StrEnum):
    """What a caller should know about something that is valid all the same; the first two are of SchemaPin 1.4."""

    SIGNATURE_EXPIRED = "signature_expired"
    EXPIRES_AT_UNPARSEABLE = "signature_expires_at_unparseable"
    SIGNED_IN_FUTURE = "signature_signed_in_future"
    SINGLE_HASH = "signature_single_hash"
    SCAN_OUTDATED = "scan_outdated"
    REVOCATION_UNKNOWN = "revocation_unknown"
    STATEMENT_DROPPED = "statement_dropped"


class PinStatus(StrEnum):
    """What the pins say about a key that verified: it is new for this tool, or the one that was pinned."""

    FIRST_USE = "first_use"
    PINNED = "pinned"


class Downgrade(StrEnum):
    """What the absence of a signed statement means, where pins remember whether the tool had one."""

    NONE = "none"
    """It never had one."""
    WARNED = "warned"
    REFUSED = "refused"


_CODES = {text: code for code in ErrorCode for text in (code.value, code.value.upper())}


def read_error_code(text: str) -> ErrorCode:
    """Return the code that ``text`` names: in lower case as Python, JavaScript and Go write it, or in upper as Rust.

    Raises: ValueError if it is none of the twelve.
    """
    code = _CODES.get(text)
    if code is None:
        raise ValueError(f"{text[:60]!r} is no error code of SchemaPin")
    return code
