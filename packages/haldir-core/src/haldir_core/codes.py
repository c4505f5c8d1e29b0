"""The words by which a verification reports errors, warnings and trust.  Spec: section 9."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a skill is not valid."""

    NO_ENVELOPE = "E_NO_ENVELOPE"
    INCOMPLETE = "E_INCOMPLETE"
    SYMLINK = "E_SYMLINK"
    HARDLINK = "E_HARDLINK"
    UNSAFE_FILE = "E_UNSAFE_FILE"
    LIMITS = "E_LIMITS"
    INVALID_ENVELOPE = "E_INVALID_ENVELOPE"
    UNSUPPORTED_VERSION = "E_UNSUPPORTED_VERSION"
    UNKNOWN_KEY = "E_UNKNOWN_KEY"
    DECODE_FAILED = "E_DECODE_FAILED"
    BAD_SIGNATURE = "E_BAD_SIGNATURE"
    THRESHOLD = "E_THRESHOLD"
    INVALID_ATTESTATION = "E_INVALID_ATTESTATION"
    INTEGRITY_MISMATCH = "E_INTEGRITY_MISMATCH"
    UNKNOWN_CRITICAL = "E_UNKNOWN_CRITICAL"
    INVALID_INTEGRITY = "E_INVALID_INTEGRITY"
    EXTRA_FILES = "E_EXTRA_FILES"
    REVOCATION_STALE = "E_REVOCATION_STALE"
    REVOKED = "E_REVOKED"


class WarningCode(StrEnum):
    """What a caller should know about a skill that is valid."""

    REVOCATION_UNAVAILABLE = "W_REVOCATION_UNAVAILABLE"
    REVOCATION_SIG_INVALID = "W_REVOCATION_SIG_INVALID"
    REVOCATION_STALE = "W_REVOCATION_STALE"
    VETTING_TIMESTAMP_INVALID = "W_VETTING_TIMESTAMP_INVALID"
    VETTING_STALE = "W_VETTING_STALE"


class TrustLevel(StrEnum):
    """How far a skill can be trusted.

    ``full``: every check passed.  ``degraded``: every check passed but the revocation status is not
    certain (runtime only).  ``none``: do not use the skill.
    """

    FULL = "full"
    DEGRADED = "degraded"
    NONE = "none"


class Context(StrEnum):
    """When a skill is verified: ``install`` fails closed, ``runtime`` lives with a late revocation list."""

    INSTALL = "install"
    RUNTIME = "runtime"
