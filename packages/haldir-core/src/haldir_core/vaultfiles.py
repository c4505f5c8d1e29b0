"""The names that may stand in a ``.vault`` folder: one table."""

from attrs import frozen

VAULT = ".vault"
"""The folder of a skill that holds its signatures; only the one at the root counts."""


@frozen
class VaultFile:
    """One allowed name: whether it must be there, and what makes its content trustworthy."""

    name: str
    required: bool
    authenticated_by: str


VAULT_FILES = (
    VaultFile("signature.json", required=True, authenticated_by="the signatures that it holds"),
    VaultFile("attestation.json", required=True, authenticated_by="equal to the signed payload"),
    VaultFile("integrity.json", required=True, authenticated_by="integrity_hash of the attestation"),
    VaultFile("permissions.json", required=True, authenticated_by="permissions_hash of the attestation"),
    VaultFile("vetting-report.json", required=False, authenticated_by="vetting_report_hash of the attestation"),
    VaultFile("sigstore-bundle.json", required=False, authenticated_by="the Sigstore signature that it holds"),
    VaultFile("cosign-bundle.json", required=False, authenticated_by="the Sigstore signature that it holds"),
    VaultFile("vetting-attestation.json", required=False, authenticated_by="the co-signer's signature in it"),
)

ALLOWED_NAMES = frozenset(file.name for file in VAULT_FILES)
REQUIRED_NAMES = tuple(file.name for file in VAULT_FILES if file.required)
