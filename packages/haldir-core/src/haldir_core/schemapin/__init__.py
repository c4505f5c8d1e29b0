"""SchemaPin 1.0 to 1.4: signatures of tool schemas and of skill folders with ECDSA P-256 keys.

Quick start::

    from datetime import UTC, datetime
    from pathlib import Path

    from haldir_core.schemapin import Evidence, Tool, read_folder, verify_skill

    evidence = Evidence(discovery=Path("schemapin.json").read_bytes())
    result = verify_skill(
        read_folder("my-skill"), Tool.of("tools.example", "my-skill"), evidence, now=datetime.now(UTC)
    )
    print(result.valid, result.error_message, result.warnings)

Nothing here opens a socket: discovery documents, DNS records and pins are values that a caller gives.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_core.schemapin.a2a import A2aVerification, CallContext, verify_schema_for_a2a
    from haldir_core.schemapin.bothsigned import EnvelopeError, HaldirEnvelope
    from haldir_core.schemapin.bundlemerge import merge_bundles
    from haldir_core.schemapin.bundles import BundleResult, TrustBundle, sign_bundle, verify_bundle
    from haldir_core.schemapin.canon import (
        CANONICALIZATION,
        UnsupportedCanonicalizationError,
        check_canonicalization,
        parse_strict,
        schemapin_v1,
    )
    from haldir_core.schemapin.codes import ErrorCode, PinStatus, WarningCode, read_error_code
    from haldir_core.schemapin.confidence import Confidence, Level, confidence_in
    from haldir_core.schemapin.discovery import Discovery
    from haldir_core.schemapin.dnsrecord import DnsRecord, find_record
    from haldir_core.schemapin.domains import AllowedDomains, Domain, ToolId, parse_domain, parse_tool_id
    from haldir_core.schemapin.evidence import Evidence, Expiry, Policy, StatementDemand, Tool
    from haldir_core.schemapin.folders import (
        SIGNATURE_FILE,
        FolderVault,
        SkillFolder,
        TamperReport,
        compare_manifests,
        read_folder,
        read_folder_with_contents,
    )
    from haldir_core.schemapin.keyfiles import load_private_key, load_public_key, write_key_pair
    from haldir_core.schemapin.keys import Fingerprint, PrivateKey, PublicKey, Signer
    from haldir_core.schemapin.lineage import Chain, Link, Version, check_chain, check_link
    from haldir_core.schemapin.pins import Candidate, Decision, DomainPolicy, MemoryPins, Mode, Pin, PinError, PinLedger
    from haldir_core.schemapin.portability import Portability, Unportable, portability_of
    from haldir_core.schemapin.results import Metadata, Verification
    from haldir_core.schemapin.revocation import KeyRevocations, RevocationPolicy, RevokedKey
    from haldir_core.schemapin.scans import OutdatedScan, ScanCache, ScanDemand, ScanPolicy, ScanResult
    from haldir_core.schemapin.schemas import SignedSchema, sign_schema
    from haldir_core.schemapin.sigfile import SignatureFile, write_signature_file
    from haldir_core.schemapin.signatures import Accepted, HashForm
    from haldir_core.schemapin.signing import Claims, Form, sign_schema_file, sign_skill
    from haldir_core.schemapin.statement import Statement, Subject
    from haldir_core.schemapin.times import Moment
    from haldir_core.schemapin.verification import verify_schema, verify_skill

__all__ = [
    "CANONICALIZATION",
    "SIGNATURE_FILE",
    "A2aVerification",
    "Accepted",
    "AllowedDomains",
    "BundleResult",
    "CallContext",
    "Candidate",
    "Chain",
    "Claims",
    "Confidence",
    "Decision",
    "Discovery",
    "DnsRecord",
    "Domain",
    "DomainPolicy",
    "EnvelopeError",
    "ErrorCode",
    "Evidence",
    "Expiry",
    "Fingerprint",
    "FolderVault",
    "Form",
    "HaldirEnvelope",
    "HashForm",
    "KeyRevocations",
    "Level",
    "Link",
    "MemoryPins",
    "Metadata",
    "Mode",
    "Moment",
    "OutdatedScan",
    "Pin",
    "PinError",
    "PinLedger",
    "PinStatus",
    "Policy",
    "Portability",
    "PrivateKey",
    "PublicKey",
    "RevocationPolicy",
    "RevokedKey",
    "ScanCache",
    "ScanDemand",
    "ScanPolicy",
    "ScanResult",
    "SignatureFile",
    "SignedSchema",
    "Signer",
    "SkillFolder",
    "Statement",
    "StatementDemand",
    "Subject",
    "TamperReport",
    "Tool",
    "ToolId",
    "TrustBundle",
    "Unportable",
    "UnsupportedCanonicalizationError",
    "Verification",
    "Version",
    "WarningCode",
    "check_canonicalization",
    "check_chain",
    "check_link",
    "compare_manifests",
    "confidence_in",
    "find_record",
    "load_private_key",
    "load_public_key",
    "merge_bundles",
    "parse_domain",
    "parse_strict",
    "parse_tool_id",
    "portability_of",
    "read_error_code",
    "read_folder",
    "read_folder_with_contents",
    "schemapin_v1",
    "sign_bundle",
    "sign_schema",
    "sign_schema_file",
    "sign_skill",
    "verify_bundle",
    "verify_schema",
    "verify_schema_for_a2a",
    "verify_skill",
    "write_key_pair",
    "write_signature_file",
]

_HOMES = {
    "a2a": (
        "A2aVerification",
        "CallContext",
        "verify_schema_for_a2a",
    ),
    "bothsigned": (
        "EnvelopeError",
        "HaldirEnvelope",
    ),
    "bundlemerge": ("merge_bundles",),
    "bundles": (
        "BundleResult",
        "TrustBundle",
        "sign_bundle",
        "verify_bundle",
    ),
    "canon": (
        "CANONICALIZATION",
        "UnsupportedCanonicalizationError",
        "check_canonicalization",
        "parse_strict",
        "schemapin_v1",
    ),
    "codes": (
        "ErrorCode",
        "PinStatus",
        "WarningCode",
        "read_error_code",
    ),
    "confidence": (
        "Confidence",
        "Level",
        "confidence_in",
    ),
    "discovery": ("Discovery",),
    "dnsrecord": (
        "DnsRecord",
        "find_record",
    ),
    "domains": (
        "AllowedDomains",
        "Domain",
        "ToolId",
        "parse_domain",
        "parse_tool_id",
    ),
    "evidence": (
        "Evidence",
        "Expiry",
        "Policy",
        "StatementDemand",
        "Tool",
    ),
    "folders": (
        "SIGNATURE_FILE",
        "FolderVault",
        "SkillFolder",
        "TamperReport",
        "compare_manifests",
        "read_folder",
        "read_folder_with_contents",
    ),
    "keyfiles": (
        "load_private_key",
        "load_public_key",
        "write_key_pair",
    ),
    "keys": (
        "Fingerprint",
        "PrivateKey",
        "PublicKey",
        "Signer",
    ),
    "lineage": (
        "Chain",
        "Link",
        "Version",
        "check_chain",
        "check_link",
    ),
    "pins": (
        "Candidate",
        "Decision",
        "DomainPolicy",
        "MemoryPins",
        "Mode",
        "Pin",
        "PinError",
        "PinLedger",
    ),
    "portability": (
        "Portability",
        "Unportable",
        "portability_of",
    ),
    "results": (
        "Metadata",
        "Verification",
    ),
    "revocation": (
        "KeyRevocations",
        "RevocationPolicy",
        "RevokedKey",
    ),
    "scans": (
        "OutdatedScan",
        "ScanCache",
        "ScanDemand",
        "ScanPolicy",
        "ScanResult",
    ),
    "schemas": (
        "SignedSchema",
        "sign_schema",
    ),
    "sigfile": (
        "SignatureFile",
        "write_signature_file",
    ),
    "signatures": (
        "Accepted",
        "HashForm",
    ),
    "signing": (
        "Claims",
        "Form",
        "sign_schema_file",
        "sign_skill",
    ),
    "statement": (
        "Statement",
        "Subject",
    ),
    "times": ("Moment",),
    "verification": (
        "verify_schema",
        "verify_skill",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value
