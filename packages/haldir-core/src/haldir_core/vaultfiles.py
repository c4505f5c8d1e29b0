"""The names that may stand in a ``.vault`` folder: one table."""

from attrs import frozen

from haldir_core.canonical import MAX_DOCUMENT_BYTES

NOT_READ = 0
"""The size limit of a name that is reserved: it may be there, and nothing follows from its content."""

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
    VaultFile("sigstore-bundle.json", False, NOT_READ, "nothing yet: kept for Sigstore signatures"),
    VaultFile("cosign-bundle.json", False, NOT_READ, "nothing yet: kept for Sigstore co-signatures"),
    VaultFile("vetting-attestation.json", False, NOT_READ, "nothing yet: kept for a co-signer's report"),
)

ALLOWED_NAMES = frozenset(file.name for file in VAULT_FILES)
MAX_BYTES = {file.name: file.max_bytes for file in VAULT_FILES}
REQUIRED_NAMES = tuple(file.name for file in VAULT_FILES if file.required)
