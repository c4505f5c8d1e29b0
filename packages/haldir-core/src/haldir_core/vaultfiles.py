"""The names that may stand in a ``.vault`` folder: one table."""

from attrs import frozen

from haldir_core.canonical import MAX_DOCUMENT_BYTES

UNAUTHENTICATED = "nothing yet"
"""Of a reserved name: it may be there, must be a JSON object, and nothing follows from what it says."""

VAULT = ".vault"
"""The folder of a skill that holds its signatures; only the one at the root counts."""


@frozen
class VaultFile:
    """One allowed name: whether it must be there, how large it may be, and what makes its content trustworthy."""

    name: str
    required: bool
    max_bytes: int
    authenticated_by: str


_SMALL = 256 * 1024
_MEDIUM = 1024 * 1024

VAULT_FILES = (
    VaultFile("signature.json", True, _MEDIUM, "the signatures that it holds"),
    VaultFile("attestation.json", True, _SMALL, "equal to the signed payload"),
    VaultFile("integrity.json", True, MAX_DOCUMENT_BYTES, "integrity_hash of the attestation"),
    VaultFile("permissions.json", True, _SMALL, "permissions_hash of the attestation"),
    VaultFile("vetting-report.json", False, MAX_DOCUMENT_BYTES, "vetting_report_hash of the attestation"),
    VaultFile("sigstore-bundle.json", False, _MEDIUM, UNAUTHENTICATED),
    VaultFile("cosign-bundle.json", False, _MEDIUM, UNAUTHENTICATED),
    VaultFile("vetting-attestation.json", False, _MEDIUM, UNAUTHENTICATED),
)

ALLOWED_NAMES = frozenset(file.name for file in VAULT_FILES)
MAX_BYTES = {file.name: file.max_bytes for file in VAULT_FILES}
RESERVED_NAMES = tuple(file.name for file in VAULT_FILES if file.authenticated_by == UNAUTHENTICATED)
REQUIRED_NAMES = tuple(file.name for file in VAULT_FILES if file.required)
