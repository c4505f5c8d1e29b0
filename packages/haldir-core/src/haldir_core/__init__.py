"""Sign, verify and revoke agent skills and MCP servers.

Quick start::

    from datetime import UTC, datetime
    from haldir_core import Context, KeyRole, Keyring, load_public_key, read_skill, verify

    ring = Keyring.of([(load_public_key("publisher.pub"), KeyRole.PUBLISHER)])
    verdict = verify(read_skill("my-skill"), ring, context=Context.RUNTIME, now=datetime.now(UTC))
    print(verdict.trust_level, [problem.message for problem in verdict.errors])
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_core._checks import CHECKS, Check
    from haldir_core._checks.case import HardLinks, Warned
    from haldir_core._revocation_status import RevocationEvidence
    from haldir_core.attestation import Attestation, SkillIdentity
    from haldir_core.codes import Context, ErrorCode, TrustLevel, WarningCode
    from haldir_core.digest import Digest
    from haldir_core.envelope import Envelope, Signature
    from haldir_core.errors import (
        DecodeError,
        HaldirError,
        KeyFileError,
        MalformedError,
        Problem,
        RevocationError,
        SigningError,
        TrustError,
        UnreadableError,
        UnsafeSkillError,
        UnsupportedVersionError,
    )
    from haldir_core.keyfiles import load_private_key, load_public_key, write_key_pair
    from haldir_core.keys import Environment, KeyId, KeyRole, PassphraseError, PrivateKey, PublicKey, Signer
    from haldir_core.manifest import Manifest
    from haldir_core.permissions import AgentCapabilities, Filesystem, Permissions
    from haldir_core.report import Finding, LayerReport, Severity, Status, Summary, VettingReport
    from haldir_core.requirement import Requirement
    from haldir_core.revocation import RevocationList, RevokedSkill
    from haldir_core.signing import cosign, sign
    from haldir_core.skill import Limits, SkillSnapshot, read_skill
    from haldir_core.timestamp import Timestamp
    from haldir_core.trust import Keyring, StoredIdentity, StoredKey, TrustedKey, TrustStore
    from haldir_core.vault import write_vault
    from haldir_core.verification import Policy, Verification, verify

__all__ = [
    "CHECKS",
    "AgentCapabilities",
    "Attestation",
    "Check",
    "Context",
    "DecodeError",
    "Digest",
    "Envelope",
    "Environment",
    "ErrorCode",
    "Filesystem",
    "Finding",
    "HaldirError",
    "HardLinks",
    "KeyFileError",
    "KeyId",
    "KeyRole",
    "Keyring",
    "LayerReport",
    "Limits",
    "MalformedError",
    "Manifest",
    "PassphraseError",
    "Permissions",
    "Policy",
    "PrivateKey",
    "Problem",
    "PublicKey",
    "Requirement",
    "RevocationError",
    "RevocationEvidence",
    "RevocationList",
    "RevokedSkill",
    "Severity",
    "Signature",
    "Signer",
    "SigningError",
    "SkillIdentity",
    "SkillSnapshot",
    "Status",
    "StoredIdentity",
    "StoredKey",
    "Summary",
    "Timestamp",
    "TrustError",
    "TrustLevel",
    "TrustStore",
    "TrustedKey",
    "UnreadableError",
    "UnsafeSkillError",
    "UnsupportedVersionError",
    "Verification",
    "VettingReport",
    "Warned",
    "WarningCode",
    "cosign",
    "load_private_key",
    "load_public_key",
    "read_skill",
    "sign",
    "verify",
    "write_key_pair",
    "write_vault",
]

# A program that needs little of it does not wait for the rest: all of it together takes 35 ms to load.
_HOMES = {
    "_checks": ("CHECKS", "Check"),
    "_checks.case": ("HardLinks", "Warned"),
    "_revocation_status": ("RevocationEvidence",),
    "attestation": ("Attestation", "SkillIdentity"),
    "codes": ("Context", "ErrorCode", "TrustLevel", "WarningCode"),
    "digest": ("Digest",),
    "envelope": ("Envelope", "Signature"),
    "errors": (
        "DecodeError",
        "HaldirError",
        "KeyFileError",
        "MalformedError",
        "Problem",
        "RevocationError",
        "SigningError",
        "TrustError",
        "UnreadableError",
        "UnsafeSkillError",
        "UnsupportedVersionError",
    ),
    "keyfiles": ("load_private_key", "load_public_key", "write_key_pair"),
    "keys": ("Environment", "KeyId", "KeyRole", "PassphraseError", "PrivateKey", "PublicKey", "Signer"),
    "manifest": ("Manifest",),
    "permissions": ("AgentCapabilities", "Filesystem", "Permissions"),
    "report": ("Finding", "LayerReport", "Severity", "Status", "Summary", "VettingReport"),
    "requirement": ("Requirement",),
    "revocation": ("RevocationList", "RevokedSkill"),
    "signing": ("cosign", "sign"),
    "skill": ("Limits", "SkillSnapshot", "read_skill"),
    "timestamp": ("Timestamp",),
    "trust": ("Keyring", "StoredIdentity", "StoredKey", "TrustedKey", "TrustStore"),
    "vault": ("write_vault",),
    "verification": ("Policy", "Verification", "verify"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value
